// Answers what the probe kit asks: each line on standard input is one request, each answer is one line on
// the descriptor REPRO_CHANNEL. Standard output is the driver's own, as its standard error is.
import fs from 'node:fs';
import readline from 'node:readline';

const CHANNEL = Number(process.env.REPRO_CHANNEL);
const MOST_LINKS = 32;

const tell = (line) => fs.writeSync(CHANNEL, JSON.stringify(line) + '\n');

/** Tells a line that a program printed. */
export const word = (said) => tell({ said });

/** An error with all that hangs below it: cause, sourceError, error (of an ErrorEvent), errors (of an aggregate). */
export const linkOf = (error, seen = new Set()) => {
  if (seen.size >= MOST_LINKS || seen.has(error)) return null;
  if (error === null || typeof error !== 'object') return { type: typeof error, message: String(error), below: [] };
  seen.add(error);
  const below = [error.cause, error.sourceError, error.error, ...(Array.isArray(error.errors) ? error.errors : [])]
    .filter((each) => each !== null && typeof each === 'object')
    .map((each) => linkOf(each, seen))
    .filter(Boolean);
  return {
    type: error.constructor?.name ?? 'Object',
    message: String(error.message ?? ''),
    code: typeof error.code === 'string' ? error.code : null,
    sqlstate: typeof error.severity === 'string' && /^[0-9A-Z]{5}$/.test(error.code ?? '') ? error.code : null,
    status: Number.isInteger(error.status) ? error.status : null,
    below,
  };
};

/** Serves a driver: an object whose methods are what can be asked. It ends with whoever asks. */
export const serve = (make) => {
  let driver = null;
  let before = Promise.resolve();
  const answer = async ({ id, ask, ...given }) => {
    try {
      if (ask === 'open') {
        Object.assign(process.env, given.variables);
        driver = await make();
        await driver.open?.();
        tell({ id, answer: null });
      } else {
        tell({ id, answer: (await driver[ask](given)) ?? null });
      }
    } catch (error) {
      tell({ id, error: linkOf(error) });
    }
  };
  const lines = readline.createInterface({ input: process.stdin, crlfDelay: Infinity });
  lines.on('line', (line) => (before = before.then(() => answer(JSON.parse(line)))));
  lines.on('close', () => process.exit(0)); // also while an answer is waited for
};

process.on('unhandledRejection', (error) => process.stderr.write(`unhandled: ${error?.message ?? error}\n`));
process.on('uncaughtException', (error) => tell({ uncaught: linkOf(error) }));
