// @upstash/redis, without its retries: what became of the first request is what is asked.
import { Redis } from '@upstash/redis';
import { serve } from './bridge.mjs';

serve(() => {
  const redis = new Redis({
    url: process.env.UPSTASH_REDIS_REST_URL,
    token: process.env.UPSTASH_REDIS_REST_TOKEN,
    retry: { retries: 0 },
    enableTelemetry: false,
    automaticDeserialization: false,
    enableAutoPipelining: false,
  });
  const eval_ = (script, count, ...rest) => redis.eval(script, rest.slice(0, Number(count)), rest.slice(Number(count)));
  const commands = {
    EVAL: eval_,
    LRANGE: (key, from, to) => redis.lrange(key, Number(from), Number(to)),
    DEL: (...keys) => redis.del(...keys),
  };
  return {
    command: ({ args: [name, ...rest] }) => commands[name.toUpperCase()](...rest),
    close: async () => {},
  };
});
