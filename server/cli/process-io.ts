/** The process itself, as what a command may touch. */
import type { CliIo } from './io.ts';

/** Node.js makes each of the streams when it is asked for it, which takes some milliseconds: few commands use all three. */
export const processIo: CliIo = {
  get stdin() {
    return process.stdin;
  },
  get stdout() {
    return process.stdout;
  },
  get stderr() {
    return process.stderr;
  },
  env: process.env,
};
