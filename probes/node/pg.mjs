// pg, on a pool of its own.
import pg from 'pg';
import { serve } from './bridge.mjs';
import { OnPool } from './transactions.mjs';

serve(() => new OnPool(() => new pg.Pool({ connectionString: process.env.DATABASE_URL })));
