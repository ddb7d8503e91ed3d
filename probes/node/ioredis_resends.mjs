// ioredis with its defaults, as applications have it: it connects again, and sends again what was not answered.
import Redis from 'ioredis';
import { serve } from './bridge.mjs';

serve(() => {
  const redis = new Redis(process.env.UPSTASH_REDIS_URL, { lazyConnect: true });
  redis.on('error', () => {});
  return {
    open: () => redis.connect(),
    command: ({ args: [name, ...rest] }) => redis.call(name, ...rest),
    close: async () => redis.disconnect(),
  };
});
