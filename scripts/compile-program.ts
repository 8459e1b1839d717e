/**
 * Writes the code that V8 makes of a bundled program, so that the executable need not make it at each start. Run in a
 * process of its own by scripts/build.ts: node compile-program.ts BUNDLE CACHE [ARGUMENT...]
 *
 * The program runs once with the arguments, for functions are compiled when they are first called.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Script } from 'node:vm';

const [bundle = '', cache = '', ...args] = process.argv.slice(2);
const name = path.basename(bundle);
const script = new Script(readFileSync(bundle, 'utf8'), { filename: name });
process.argv.splice(1, process.argv.length, path.basename(name, '.cjs'), ...args);
process.once('exit', () => {
  writeFileSync(cache, script.createCachedData());
  // How the program ended does not matter: it had nothing to talk to.
  process.exitCode = 0;
});
(script.runInThisContext() as (require: unknown, module: object) => void)(createRequire(bundle), { exports: {} });
