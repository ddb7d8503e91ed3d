// @neondatabase/serverless over WebSocket without neonConfig.webSocketConstructor: before Node 22 there is none.
import { neonConfig, Pool } from '@neondatabase/serverless';
import { serve } from './bridge.mjs';
import { pointed } from './neon.mjs';
import { OnPool } from './transactions.mjs';

serve(() => {
  pointed(neonConfig);
  return new OnPool(() => new Pool({ connectionString: process.env.DATABASE_URL }));
});
