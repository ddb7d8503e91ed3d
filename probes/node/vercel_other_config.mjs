// @vercel/postgres after the neonConfig of the package beside it was set: its own copy does not know of that.
import { neonConfig } from '@neondatabase/serverless';
import { createPool } from '@vercel/postgres';
import { serve } from './bridge.mjs';
import { pointed } from './neon.mjs';
import { OnPool } from './transactions.mjs';

serve(() => {
  pointed(neonConfig);
  return new OnPool(() => createPool());
});
