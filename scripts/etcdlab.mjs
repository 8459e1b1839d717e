#!/usr/bin/env node
/** The `etcdlab` command: `npx etcdlab ARGS`. */
import { run } from './run.mjs';

run('toolkit/main.ts', process.argv.slice(2));
