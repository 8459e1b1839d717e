/** Upstream's executables, which the interop tests compare with. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Executables } from '../../scripts/build.ts';

/**
 * Whether the interop tests can run. They are skipped, visibly, for whoever has no upstream binaries; continuous
 * integration must have them.
 *
 * @throws Error in continuous integration when ETCDLAB_UPSTREAM does not name them
 */
export function haveUpstream(): boolean {
  const folder = process.env.ETCDLAB_UPSTREAM;
  if (folder !== undefined && existsSync(path.join(folder, 'etcd'))) return true;
  if (process.env.CI) throw new Error('ETCDLAB_UPSTREAM must name the folder of upstream’s etcd, etcdctl and etcdutl');
  return false;
}

/** @returns absolute paths of upstream's executables */
export function upstreamExecutables(): Executables {
  const folder = path.resolve(process.env.ETCDLAB_UPSTREAM ?? '');
  return {
    etcd: path.join(folder, 'etcd'),
    etcdctl: path.join(folder, 'etcdctl'),
    etcdutl: path.join(folder, 'etcdutl'),
  };
}
