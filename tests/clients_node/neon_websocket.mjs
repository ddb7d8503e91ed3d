// @neondatabase/serverless over a WebSocket, with its defaults: secure, and the password pipelined.
import { neonConfig, Pool } from '@neondatabase/serverless';
import ws from 'ws';
import { env, errorOf, report, table } from './report.mjs';

neonConfig.webSocketConstructor = ws;
neonConfig.wsProxy = env('NEON_WS_PROXY');

const connectionString = env('DATABASE_URL');
const pool = new Pool({ connectionString });
const count = async () => (await pool.query(`select count(*)::int as n from ${table}`)).rows[0].n;

const transaction = async (client, end, ...names) => {
  const pid = async () => (await client.query('select pg_backend_pid() as pid')).rows[0].pid;
  await client.query('begin');
  const before = await pid();
  for (const name of names) await client.query(`insert into ${table} (name) values ($1)`, [name]);
  const after = await pid();
  const outside = await count();
  await client.query(end);
  return { samePid: before === after, outside };
};

const checkedOut = async (work) => {
  const client = await pool.connect();
  try {
    return await work(client);
  } finally {
    client.release();
  }
};

const wrongPassword = async () => {
  const url = new URL(connectionString);
  url.password = 'wrong-password';
  const stranger = new Pool({ connectionString: url.href });
  stranger.on('error', () => {});
  const client = await stranger.connect();
  client.on('error', () => {});
  const error = await errorOf(client.query('select 1'));
  client.release(true);
  await stranger.end();
  return error;
};

const results = {
  defaults: [neonConfig.pipelineConnect, neonConfig.useSecureWebSocket, neonConfig.coalesceWrites],
  query: (await pool.query('select $1::int as a', [7])).rows,
  committed: await checkedOut((client) => transaction(client, 'commit', 'a', 'b')),
  afterCommit: await count(),
  rolledBack: await checkedOut((client) => transaction(client, 'rollback', 'c')),
  afterRollback: await count(),
  duplicate: await errorOf(checkedOut((client) => client.query(`insert into ${table} (name) values ('a')`))),
  atOnce: await Promise.all(
    Array.from({ length: 15 }, (_, i) => pool.query('select $1::int as i, pg_sleep(0.01)', [i]).then((r) => r.rows[0].i)),
  ),
  large: (await pool.query("select $1::text || repeat('y', 3000000) as x", ['x'.repeat(3_000_000)])).rows[0].x.length,
  password: await wrongPassword(),
};
await pool.end();
report(results);
