#!/usr/bin/env node
/** The `etcdlab` command: `npx etcdlab ARGS`. */
import { run } from './run.mjs';

// What the user has typed, for the commands in advice.
const command = process.env.npm_command === 'exec' ? 'npx etcdlab' : 'etcdlab';
run('toolkit/main.ts', process.argv.slice(2), { ETCDLAB_COMMAND: command });
