// Points @vercel/postgres at the gateway. It has a neonConfig of its own, that of the nested package:
// the one of the package at the top has no effect on it.
import { env } from './report.mjs';

const nested = './node_modules/@vercel/postgres/node_modules/@neondatabase/serverless/index.mjs';
export const { neonConfig } = await import(new URL(nested, import.meta.url));
neonConfig.wsProxy = env('NEON_WS_PROXY');
neonConfig.fetchEndpoint = env('NEON_FETCH_ENDPOINT');
