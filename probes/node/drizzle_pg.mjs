// drizzle-orm on pg.
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { serve } from './bridge.mjs';
import { OnDrizzle } from './transactions.mjs';

const pool = () => new pg.Pool({ connectionString: process.env.DATABASE_URL });

serve(() => new OnDrizzle(pool, (given) => drizzle(given), sql));
