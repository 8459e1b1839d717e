/** The process that is called `etcdutl`. */
import { processIo } from '../cli/process-io.ts';
import { runEtcdutl } from './main.ts';

void runEtcdutl(process.argv.slice(2), processIo).then((exitCode) => {
  process.exitCode = exitCode;
});
