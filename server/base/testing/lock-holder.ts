/** A process of its own that locks the data directory given as its argument, says so, and holds it until it is killed. */

import { DataLock } from '../data-lock.ts';
import { silentLogger } from '../logger.ts';

const [dataDir, flockProgram = 'flock'] = process.argv.slice(2) as [string, string?];
const lock = new DataLock(dataDir, { log: silentLogger, flockProgram });
try {
  await lock.take();
  process.stdout.write('locked\n');
  setInterval(() => {}, 60_000);
} catch (error) {
  process.stdout.write(`${(error as Error).message}\n`);
}
