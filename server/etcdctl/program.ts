/** The process that is called `etcdctl`. */
import { runEtcdctl } from './main.ts';

const { argv, stdin, stdout, stderr, env } = process;
void runEtcdctl(argv.slice(2), { stdin, stdout, stderr, env }).then((exitCode) => {
  process.exitCode = exitCode;
});
