/** Drills on upstream's etcd: those in which the server itself has a part. */
import { describe } from 'vitest';
import { specifyDrills } from '../support/drill-catalogue-spec.ts';
import { haveUpstream } from '../support/upstream.ts';

describe.skipIf(!haveUpstream())('on upstream’s etcd, the drill', () => {
  specifyDrills(
    () => ({ upstream: process.env.ETCDLAB_UPSTREAM }),
    [
      ['member-disk-lost', 'member-identity'],
      ['quorum-lost', 'acknowledged-writes'],
      ['corrupt-wal', 'refused-start'],
      ['corrupt-db', 'refused-start'],
      ['diverged-member', 'divergence-found'],
      ['damaged-snapshot', 'damage-refused'],
      ['older-snapshot', 'divergence-found'],
      ['copied-directory', 'single-members-found'],
      ['clock-skew', 'peers-say-why'],
      ['lost-ca-key', 'old-authority-refused'],
      ['nospace', 'full-database-noticed'],
      ['partition-during-backup', 'no-half-backup'],
      ['prefix-deleted', 'acknowledged-writes'],
      ['point-in-time', 'hash-kv'],
      ['other-engine', 'keys'],
      ['engine-move', 'every-mix-healthy'],
    ],
  );
});
