// @upstash/redis: one RPUSH, with its defaults or with the settings that it is given on standard input.
import { readFileSync } from 'node:fs';
import { Redis } from '@upstash/redis';

const { url, token, key, settings } = JSON.parse(readFileSync(0, 'utf8'));
try {
  await new Redis({ url, token, enableTelemetry: false, ...settings }).rpush(key, 'only-once');
  console.log('succeeded');
} catch (error) {
  console.log(error.constructor.name);
}
