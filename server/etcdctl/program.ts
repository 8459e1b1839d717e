/** The process that is called `etcdctl`. */
import { processIo } from '../cli/process-io.ts';
import { runEtcdctl } from './main.ts';

void runEtcdctl(process.argv.slice(2), processIo).then((exitCode) => {
  process.exitCode = exitCode;
});
