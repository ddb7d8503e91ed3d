// drizzle-orm 0.45.4: atomicity fails: the transaction was not atomic.
//
//     npm install drizzle-orm@0.45.4 @vercel/postgres@0.10.0
//     POSTGRES_URL=postgresql://USER:PASSWORD@HOST:PORT/NAME NEON_WS_PROXY=HOST:PORT/v2 NODE_EXTRA_CA_CERTS=… node node_drizzle_vercel_sql.mjs
//
// The target is the one that the environment names. Made by txrepro from the run
// 20261126-170606-9e4211, probe node.drizzle-vercel-sql, where it found: drizzle over the default
// client of @vercel/postgres splits its transactions (tx-drizzle-sql-proxy-split, confirmed).

import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/vercel-postgres';
import { sql as client } from '@vercel/postgres';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const url = process.env.POSTGRES_URL.split('?')[0];
process.env.POSTGRES_URL = url; // the default client reads it from there

// @vercel/postgres may have a copy of Neon's package of its own, and a neonConfig with it
const { resolve } = createRequire(createRequire(import.meta.url).resolve('@vercel/postgres'));
const copy = resolve('@neondatabase/serverless').replace(/index\.js$/, 'index.mjs');
const { neonConfig } = await import(pathToFileURL(copy));
neonConfig.wsProxy = process.env.NEON_WS_PROXY;

class NotAtomic extends Error {}
const seen = []; // the connections on which each transaction ran

client.on?.('error', () => {});
const db = drizzle(client);
console.log('opened');

const transaction = async () => {
  await db.transaction(async (tx) => {
    console.log('begun');
    const connections = new Set();
    seen.push(connections);
    connections.add((await tx.execute(sql.raw('SELECT pg_backend_pid() AS pid'))).rows[0].pid);
    await new Promise((resolve) => setTimeout(resolve, 5)); // an application waits for something else here
    connections.add((await tx.execute(sql.raw('SELECT pg_backend_pid() AS pid'))).rows[0].pid);
  });
  console.log('committed');
};

const settled = await Promise.allSettled(Array.from({ length: 2 }, () => transaction()));
const split = seen.filter((connections) => connections.size > 1).length;
const told = `${split} of ${seen.length} transactions ran on several connections`;
if (split) throw new NotAtomic(told);
for (const { reason } of settled) if (reason) throw reason;
