// @neondatabase/serverless over HTTP: one query, and a batch as a transaction.
import { neon, neonConfig } from '@neondatabase/serverless';
import { env, errorOf, report, table } from './report.mjs';

neonConfig.fetchEndpoint = env('NEON_FETCH_ENDPOINT');
const sql = neon(env('DATABASE_URL'));
const insert = (name) => sql.query(`insert into ${table} (name) values ($1) returning name`, [name]);
const count = async () => (await sql.query(`select count(*)::int as n from ${table}`))[0].n;
const pid = () => sql`select pg_backend_pid() as pid`;

const wrong = new URL(env('DATABASE_URL'));
wrong.password = 'wrong-password';

report({
  single: await sql`select ${7}::int as a, ${null}::text as b, ${{ k: 1 }}::jsonb as c, ${['x', 'y"']}::text[] as d,
    ${Buffer.from('de')}::bytea = '\\x6465' as e`,
  full: await sql.query('select 1 as a, 2 as a', [], { arrayMode: true, fullResults: true }),
  committed: await sql.transaction([insert('a'), insert('b')]),
  afterCommit: await count(),
  pids: await sql.transaction([pid(), pid()]),
  options: await sql.transaction([sql`show transaction_isolation`, sql`show transaction_read_only`], {
    isolationLevel: 'Serializable',
    readOnly: true,
    deferrable: true,
  }),
  duplicate: await errorOf(sql.transaction([insert('c'), insert('a')])),
  afterDuplicate: await count(),
  readOnly: await errorOf(sql.transaction([insert('d')], { readOnly: true })),
  syntax: await errorOf(sql.query('select nope')),
  password: await errorOf(neon(wrong.href)`select 1`),
  large: (await sql.query("select repeat('x', $1::int) as x", [9_000_000]))[0].x.length,
  tooLarge: await errorOf(sql.query("select repeat('x', $1::int) as x", [11_000_000])),
});
