// The two shapes that transactions have in these libraries: statements on a client, and a callback.
import { setTimeout as pause } from 'node:timers/promises';

const GAP_MS = 5; // something else is awaited for so long between two statements, as applications do

export const values = (row) => (Array.isArray(row) ? row : Object.values(row));

class Abandoned extends Error {}

/** Many transactions at once; `inOne(work)` runs one, and rolls it back when work throws. */
const together = async (inOne, transactions) =>
  Promise.all(
    transactions.map(async ({ statements, abandon }) => {
      const rows = [];
      try {
        await inOne(async (execute) => {
          for (const { sql, params } of statements) {
            rows.push(await execute(sql, params));
            await pause(GAP_MS);
          }
          if (abandon) throw new Abandoned('on purpose');
        });
        return { rows, raised: null };
      } catch (error) {
        return { rows, raised: error instanceof Abandoned ? null : `${error.constructor?.name}: ${error.message}` };
      }
    }),
  );

/** A pool of pg's interface: BEGIN, statements and COMMIT on one client of it. */
export class OnPool {
  constructor(makePool) {
    this.makePool = makePool;
  }
  async open() {
    this.pool = this.makePool();
    this.pool.on?.('error', () => {}); // an idle client that ends is no reason to end the process
    this.client = await this.pool.connect();
  }
  async begin() {
    await this.client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
  }
  async execute({ sql, params }) {
    const { rows } = await this.client.query({ text: sql, values: params, rowMode: 'array' });
    return rows;
  }
  async commit() {
    await this.client.query('COMMIT');
  }
  async rollback() {
    await this.client.query('ROLLBACK');
  }
  async together({ transactions }) {
    this.client.release();
    const done = await together(async (work) => {
      const client = await this.pool.connect();
      try {
        await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
        await work(async (text, values) => (await client.query({ text, values, rowMode: 'array' })).rows);
        await client.query('COMMIT');
      } catch (error) {
        await client.query('ROLLBACK');
        throw error;
      } finally {
        client.release();
      }
    }, transactions);
    this.client = await this.pool.connect();
    return done;
  }
  /** On a connection that nothing else has used. */
  observe(statement) {
    return observed(this.makePool(), statement);
  }
  async close() {
    this.client?.release();
    if (this.pool) await ended(this.pool);
  }
}

const observed = async (pool, { sql, params }) => {
  try {
    return (await pool.query({ text: sql, values: params, rowMode: 'array' })).rows.map(values);
  } finally {
    await ended(pool);
  }
};

// A pool whose clients are lost in a transaction never ends by itself.
const ended = (pool) => Promise.race([pool.end(), pause(500, undefined, { ref: false })]);

/** drizzle-orm: `db.transaction(callback)`. */
export class OnDrizzle {
  constructor(makeClient, makeDatabase, sql, makeObserver = makeClient) {
    this.makeClient = makeClient;
    this.makeDatabase = makeDatabase;
    this.sql = sql;
    this.makeObserver = makeObserver;
  }
  async open() {
    this.client = this.makeClient();
    this.client.on?.('error', () => {});
    this.db = this.makeDatabase(this.client);
  }
  async begin() {
    const begun = Promise.withResolvers ? Promise.withResolvers() : resolvers();
    this.end = resolvers();
    this.whole = this.db.transaction(async (tx) => {
      this.tx = tx;
      begun.resolve();
      await this.end.promise;
    });
    this.whole.catch(begun.reject); // BEGIN itself may fail
    await begun.promise;
  }
  async execute({ sql, params }) {
    return this.on(this.tx, sql, params);
  }
  async commit() {
    this.end.resolve();
    await this.whole;
  }
  async rollback() {
    const abandoned = new Abandoned('on purpose');
    this.end.reject(abandoned);
    await this.whole.catch((error) => {
      if (error !== abandoned) throw error;
    });
  }
  async on(db, text, params) {
    const result = await db.execute(this.statement(text, params));
    return (result.rows ?? result).map(values);
  }
  /** The statement as drizzle's own template, each `$n` a parameter of it. */
  statement(text, params) {
    const { sql } = this;
    const parts = text.split(/\$(\d+)/);
    return sql.join(
      parts.map((part, at) => (at % 2 ? sql`${sql.param(params[Number(part) - 1])}` : sql.raw(part))),
    );
  }
  together({ transactions }) {
    return together(
      (work) => this.db.transaction((tx) => work((text, params) => this.on(tx, text, params))),
      transactions,
    );
  }
  observe(statement) {
    return observed(this.makeObserver(), statement);
  }
  async close() {
    if (this.client?.end) await ended(this.client);
  }
}

const resolvers = () => {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  made.promise.catch(() => {});
  return made;
};
