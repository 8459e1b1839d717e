/** `npm test`: all tests; those that need upstream's binaries skip, visibly, where ETCDLAB_UPSTREAM does not name them. */
import { run } from './run.mjs';

run('node_modules/vitest/vitest.mjs', ['run', ...process.argv.slice(2)]);
