/** Backups that go on by themselves, and restores to any moment, of upstream's etcd. */
import { describe } from 'vitest';
import { specifyContinuousBackup } from '../support/continuous-backup-spec.ts';
import { haveUpstream } from '../support/upstream.ts';

describe.skipIf(!haveUpstream())('on upstream’s etcd, a continuous backup', () => {
  specifyContinuousBackup(() => ({ upstream: process.env.ETCDLAB_UPSTREAM }));
});
