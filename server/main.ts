/** One executable, three programs: etcd, etcdctl or etcdutl, by the name it is called by. */
import path from 'node:path';

const [, invokedAs = '', ...args] = process.argv;
const io = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, env: process.env };

// Loaded on demand: a command-line tool must not pay for a server's start.
switch (path.basename(invokedAs).replace(/\.(exe|ts)$/, '')) {
  case 'etcdctl':
    void import('./etcdctl/main.ts').then(async ({ runEtcdctl }) => {
      process.exitCode = await runEtcdctl(args, io);
    });
    break;
  case 'etcdutl':
    void import('./etcdutl/main.ts').then(async ({ runEtcdutl }) => {
      process.exitCode = await runEtcdutl(args, io);
    });
    break;
  default:
    void import('./etcd/main.ts').then(({ runEtcd }) => runEtcd(args));
}
