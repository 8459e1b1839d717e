/**
 * `npm test`: all tests that need no machine of their own; those that need upstream's binaries skip, visibly, where
 * ETCDLAB_UPSTREAM does not name them. `npm run test:hosts` and `npm run test:vm` are for those on machines, which need root.
 */
import { run } from './run.mjs';

const args = process.argv.slice(2);
const isChosen = args.some((arg) => arg.startsWith('--project'));
run('node_modules/vitest/vitest.mjs', [
  'run',
  ...(isChosen ? [] : ['--project', '!hosts', '--project', '!vm']),
  ...args,
]);
