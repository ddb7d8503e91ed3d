// @neondatabase/serverless over HTTP: neon(), whose transactions are one batch.
import { neon, neonConfig } from '@neondatabase/serverless';
import { serve } from './bridge.mjs';
import { pointed } from './neon.mjs';
import { values } from './transactions.mjs';

serve(() => {
  pointed(neonConfig);
  const sql = neon(process.env.DATABASE_URL);
  const batch = async (statements) => {
    const queries = statements.map(({ sql: text, params }) => sql.query(text, params, { arrayMode: true }));
    const results = await sql.transaction(queries, { isolationLevel: 'ReadCommitted' });
    return results.map((rows) => rows.map(values));
  };
  return {
    batch: ({ statements }) => batch(statements),
    close: async () => {},
  };
});
