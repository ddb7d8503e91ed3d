// @vercel/postgres: createPool() for the transaction; its `sql` and createClient() are asked once each.
import { createClient, createPool, sql } from '@vercel/postgres';
import { linkOf, serve } from './bridge.mjs';
import { pointedVercel } from './neon.mjs';
import { OnPool } from './transactions.mjs';

class Vercel extends OnPool {
  async others() {
    const client = createClient();
    const ways = {
      sql: () => sql`SELECT 1`,
      createClient: async () => {
        await client.connect();
        await client.end();
      },
    };
    const told = {};
    for (const [name, way] of Object.entries(ways)) {
      told[name] = await way().then(() => 'works', (error) => linkOf(error).message || error.constructor?.name);
    }
    return told;
  }
}

serve(async () => {
  await pointedVercel();
  return new Vercel(() => createPool());
});
