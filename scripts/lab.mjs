/** `npm run lab` is the tour: lab up, restore drill, what to try next. `npm run lab -- ARGS` is `etcdlab ARGS`. */
import { run } from './run.mjs';

const args = process.argv.slice(2);
run('toolkit/main.ts', args.length > 0 ? args : ['tour'], { ETCDLAB_COMMAND: 'npx etcdlab' });
