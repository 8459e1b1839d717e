/** The process that is called `etcd`. */
import { runEtcd } from './main.ts';

void runEtcd(process.argv.slice(2));
