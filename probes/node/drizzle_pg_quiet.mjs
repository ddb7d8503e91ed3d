// drizzle-orm on pg as applications use it: each client has a listener for errors, so that none ends the process.
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { serve } from './bridge.mjs';
import { OnDrizzle } from './transactions.mjs';

const pool = () => {
  const made = new pg.Pool({ connectionString: process.env.DATABASE_URL });
  made.on('connect', (client) => client.on('error', () => {}));
  return made;
};

serve(() => new OnDrizzle(pool, (given) => drizzle(given), sql));
