/** The three programs from their sources: etcd, etcdctl or etcdutl, by the name that this is called by. */
import { programNamed } from './program-name.ts';

switch (programNamed(process.argv[1] ?? '')) {
  case 'etcdctl':
    void import('./etcdctl/program.ts');
    break;
  case 'etcdutl':
    void import('./etcdutl/program.ts');
    break;
  default:
    void import('./etcd/program.ts');
}
