/** One executable, three programs, by the name that it is called by. */
import path from 'node:path';

export type ProgramName = 'etcd' | 'etcdctl' | 'etcdutl';

/** @param invokedAs the second word of `process.argv` */
export function programNamed(invokedAs: string): ProgramName {
  const name = path.basename(invokedAs).replace(/\.(exe|ts)$/, '');
  return name === 'etcdctl' || name === 'etcdutl' ? name : 'etcd';
}
