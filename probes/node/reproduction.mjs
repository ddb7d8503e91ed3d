// Runs a stand-alone program as it is; each line that it prints is told at once.
import { pathToFileURL } from 'node:url';
import { serve, word } from './bridge.mjs';

const print = console.log;
console.log = (...words) => {
  print(...words);
  word(words.join(' '));
};

serve(() => ({
  run: async ({ program }) => {
    await import(pathToFileURL(program));
  },
  close: async () => {},
}));
