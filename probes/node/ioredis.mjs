// ioredis, with its defaults but for the time until it gives up.
import Redis from 'ioredis';
import { serve } from './bridge.mjs';

serve(() => {
  const redis = new Redis(process.env.UPSTASH_REDIS_URL, { lazyConnect: true, retryStrategy: () => null });
  let last = null;
  redis.on('error', (error) => (last = error)); // what connect() rejects with hides it
  const known = (error) => Object.assign(error, last && last !== error ? { cause: last } : {});
  return {
    open: () => redis.connect().catch((error) => Promise.reject(known(error))),
    command: ({ args: [name, ...rest] }) => redis.call(name, ...rest).catch((error) => Promise.reject(known(error))),
    close: async () => redis.disconnect(),
  };
});
