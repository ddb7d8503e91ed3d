// @neondatabase/serverless over HTTP, its function called as before 1.0: with a text and its values.
import { neon, neonConfig } from '@neondatabase/serverless';
import { serve } from './bridge.mjs';
import { pointed } from './neon.mjs';
import { values } from './transactions.mjs';

serve(() => {
  pointed(neonConfig);
  const sql = neon(process.env.DATABASE_URL, { arrayMode: true });
  const batch = async (statements) => {
    const results = await sql.transaction(statements.map(({ sql: text, params }) => sql(text, params)));
    return results.map((rows) => rows.map(values));
  };
  return {
    batch: ({ statements }) => batch(statements),
    close: async () => {},
  };
});
