/** The drill on upstream's etcd, which is how a restore of production is rehearsed. */
import { describe } from 'vitest';
import { specifyRestoreDrill } from '../support/restore-drill-spec.ts';
import { haveUpstream } from '../support/upstream.ts';

describe.skipIf(!haveUpstream())('the drill `restore` on upstream’s etcd', () => {
  specifyRestoreDrill(() => ({ upstream: process.env.ETCDLAB_UPSTREAM }));
});
