// drizzle-orm on @vercel/postgres with createPool().
import { createPool } from '@vercel/postgres';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/vercel-postgres';
import { serve } from './bridge.mjs';
import { pointedVercel } from './neon.mjs';
import { OnDrizzle } from './transactions.mjs';

serve(async () => {
  await pointedVercel();
  return new OnDrizzle(() => createPool(), (given) => drizzle(given), sql);
});
