// drizzle-orm on the three serverless drivers: vercel-postgres on a pool, neon-serverless, neon-http.
import { neon, neonConfig, Pool } from '@neondatabase/serverless';
import { createPool } from '@vercel/postgres';
import { count, sql } from 'drizzle-orm';
import { drizzle as drizzleHttp } from 'drizzle-orm/neon-http';
import { drizzle as drizzleServerless } from 'drizzle-orm/neon-serverless';
import { pgSchema, serial, text } from 'drizzle-orm/pg-core';
import { drizzle as drizzleVercel } from 'drizzle-orm/vercel-postgres';
import ws from 'ws';
import { env, errorOf, name, report, schema } from './report.mjs';
import './vercel.mjs';

neonConfig.webSocketConstructor = ws;
neonConfig.wsProxy = env('NEON_WS_PROXY');
neonConfig.fetchEndpoint = env('NEON_FETCH_ENDPOINT');

const jobs = pgSchema(schema).table(name, { id: serial().primaryKey(), name: text() });

const rows = async (db) => (await db.select({ n: count() }).from(jobs))[0].n;

const interactive = async (db, prefix) => {
  const session = async (tx) =>
    (await tx.execute(sql`select pg_backend_pid() as pid, pg_current_xact_id()::text as xid`)).rows[0];
  const start = await rows(db);
  const sessions = await db.transaction(async (tx) => {
    const before = await session(tx);
    await tx.insert(jobs).values([{ name: `${prefix} a` }, { name: `${prefix} b` }]);
    return [before, await session(tx)];
  });
  const committed = (await rows(db)) - start;
  const thrown = await errorOf(
    db.transaction(async (tx) => {
      await tx.insert(jobs).values({ name: `${prefix} c` });
      throw new Error('rolled back on purpose');
    }),
  );
  const duplicate = await errorOf(db.insert(jobs).values({ name: `${prefix} a` }));
  return { sessions, committed, thrown: thrown.message, duplicate, rolledBack: (await rows(db)) - start - committed };
};

const batch = async (db) => {
  const insert = (value) => db.insert(jobs).values({ name: value }).returning({ name: jobs.name });
  const start = await rows(db);
  const results = await db.batch([insert('http a'), insert('http b')]);
  const duplicate = await errorOf(db.batch([insert('http c'), insert('http a')]));
  return { results, duplicate, added: (await rows(db)) - start };
};

const vercel = createPool();
const serverless = new Pool({ connectionString: env('DATABASE_URL') });
const results = {
  vercel: await interactive(drizzleVercel(vercel), 'vercel'),
  serverless: await interactive(drizzleServerless(serverless), 'serverless'),
  http: await batch(drizzleHttp(neon(env('DATABASE_URL')))),
};
await vercel.end();
await serverless.end();
report(results);
