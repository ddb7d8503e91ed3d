// ioredis: one RPUSH, with its defaults or with the settings that it is given on standard input.
import { readFileSync } from 'node:fs';
import Redis from 'ioredis';

const { url, key, settings } = JSON.parse(readFileSync(0, 'utf8'));
const redis = new Redis(url, settings);
redis.on('error', () => {});
try {
  await redis.rpush(key, 'only-once');
  console.log('succeeded');
} catch (error) {
  console.log(error.constructor.name);
}
redis.disconnect();
process.exit(0);
