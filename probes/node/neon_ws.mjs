// @neondatabase/serverless over WebSocket: its Pool.
import { neonConfig, Pool } from '@neondatabase/serverless';
import { serve } from './bridge.mjs';
import { pointed } from './neon.mjs';
import { OnPool } from './transactions.mjs';

serve(() => {
  pointed(neonConfig, { webSocket: true });
  return new OnPool(() => new Pool({ connectionString: process.env.DATABASE_URL }));
});
