// @vercel/postgres: the default `sql`, a pool, and a client of its own.
import { createClient, createPool, sql } from '@vercel/postgres';
import { errorOf, report, table } from './report.mjs';
import { neonConfig } from './vercel.mjs';

const pool = createPool();
const count = async () => (await pool.query(`select count(*)::int as n from ${table}`)).rows[0].n;

const transaction = async (client, end) => {
  await client.sql`begin`;
  const before = (await client.sql`select pg_backend_pid() as pid`).rows[0].pid;
  await client.query(`insert into ${table} (name) values ($1)`, [end]);
  const after = (await client.sql`select pg_backend_pid() as pid`).rows[0].pid;
  await client.query(end);
  return before === after;
};

const pooled = await pool.connect();
const client = createClient();
await client.connect();

const results = {
  defaults: [neonConfig.pipelineConnect, neonConfig.useSecureWebSocket],
  tagged: (await sql`select ${7}::int as a`).rows,
  query: (await pool.query('select $1::int as a', [8])).rows,
  committed: await transaction(pooled, 'commit'),
  afterCommit: await count(),
  rolledBack: await transaction(client, 'rollback'),
  afterRollback: await count(),
  duplicate: await errorOf(pool.sql`insert into ${7}`),
};
pooled.release();
await client.end();
await pool.end();
await sql.end();
report(results);
