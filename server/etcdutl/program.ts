/** The process that is called `etcdutl`. */
import { runEtcdutl } from './main.ts';

const { argv, stdin, stdout, stderr, env } = process;
void runEtcdutl(argv.slice(2), { stdin, stdout, stderr, env }).then((exitCode) => {
  process.exitCode = exitCode;
});
