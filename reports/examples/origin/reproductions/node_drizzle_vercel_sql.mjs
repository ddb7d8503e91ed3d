// drizzle-orm 0.45.4: connect fails: connection refused.
//
//     npm install drizzle-orm@0.45.4 @vercel/postgres@0.10.0
//     POSTGRES_URL=postgresql://USER:PASSWORD@HOST:PORT/NAME node node_drizzle_vercel_sql.mjs
//
// The target is the one that the environment names. Made by txrepro from the run
// 20261126-154710-15949b, probe node.drizzle-vercel-sql, where it found: A serverless driver dials
// port 443 of the database's host (sl-localhost-443, confirmed).

import { drizzle } from 'drizzle-orm/vercel-postgres';
import { sql as client } from '@vercel/postgres';

const url = process.env.POSTGRES_URL.split('?')[0];
process.env.POSTGRES_URL = url; // the default client reads it from there

client.on?.('error', () => {});
const db = drizzle(client);
console.log('opened');

const transaction = async () => {
  await db.transaction(async (tx) => {
    console.log('begun');
  });
  console.log('committed');
};

await transaction();
