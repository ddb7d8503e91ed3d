// ioredis told to send nothing again. The promise of a command whose connection was lost may never settle, so
// that the application's own patience ends it.
import Redis from 'ioredis';
import { serve } from './bridge.mjs';

const PATIENCE_MS = 3000;

const within = (promise, ms) => {
  const late = Object.assign(new Error(`no answer within ${ms} ms`), { code: 'ETIMEDOUT' });
  return Promise.race([promise, new Promise((_, reject) => setTimeout(reject, ms, late))]);
};

serve(() => {
  const redis = new Redis(process.env.UPSTASH_REDIS_URL, { lazyConnect: true, autoResendUnfulfilledCommands: false });
  redis.on('error', () => {});
  return {
    open: () => redis.connect(),
    command: ({ args: [name, ...rest] }) => within(redis.call(name, ...rest), PATIENCE_MS),
    close: async () => redis.disconnect(),
  };
});
