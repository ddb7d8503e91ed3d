// @upstash/redis with its defaults: automatic pipelining, base64, automatic deserialisation.
import { Redis } from '@upstash/redis';
import { env, errorOf, report } from './report.mjs';

const redis = Redis.fromEnv();
const key = env('QUEUE_KEY');
const reader = new Redis({ url: env('UPSTASH_REDIS_REST_URL'), token: env('READ_ONLY_TOKEN') });
const plain = Redis.fromEnv({ enableAutoPipelining: false });

report({
  pushed: await redis.rpush(key, 'job-1', { id: 2 }, 3, 'jöb', 'OK'),
  read: await redis.lrange(key, 0, -1),
  atOnce: await Promise.all([redis.llen(key), redis.incr(`${key}:n`), redis.get(`${key}:absent`)]),
  pipeline: await redis.pipeline().set(`${key}:s`, 'x').get(`${key}:s`).exec(),
  multi: await redis.multi().incr(`${key}:n`).lpop(key).exec(),
  script: await redis.eval("return redis.call('rpush', KEYS[1], ARGV[1])", [`${key}:e`], ['v']),
  single: await plain.set(`${key}:p`, 'y'),
  wrongType: await errorOf(redis.incr(key)),
  wrongTypeAlone: await errorOf(plain.incr(key)),
  discarded: await errorOf(redis.multi().set(`${key}:d`, 'x').exec().then(() => redis.multi().incr(key).exec())),
  readOnly: await errorOf(reader.set(key, 'x')),
  badToken: await errorOf(new Redis({ url: env('UPSTASH_REDIS_REST_URL'), token: 'wrong' }).get(key)),
  deleted: await redis.del(key, `${key}:n`, `${key}:s`, `${key}:e`, `${key}:p`, `${key}:d`),
});
