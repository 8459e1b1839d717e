/** Every drill of the catalogue on members of our own, but for `restore`, which has a specification of its own. */
import { describe, expect, test } from 'vitest';
import { listDrills } from '../../drills/engine/catalog.ts';
import { specifyDrills } from '../support/drill-catalogue-spec.ts';

const drills = [
  ['member-disk-lost', 'member-identity'],
  ['quorum-lost', 'acknowledged-writes'],
  ['corrupt-wal', 'refused-start'],
  ['corrupt-db', 'refused-start'],
  ['diverged-member', 'divergence-found'],
  ['damaged-snapshot', 'damage-refused'],
  ['older-snapshot', 'divergence-found'],
  ['copied-directory', 'single-members-found'],
  ['expired-certificates', 'expiry-named'],
  ['clock-skew', 'skew-named'],
  ['lost-ca-key', 'old-authority-refused'],
  ['nospace', 'full-database-noticed'],
  ['leader-killed-during-backup', 'no-half-backup'],
  ['partition-during-backup', 'backup-complete'],
  ['prefix-deleted', 'acknowledged-writes'],
  ['point-in-time', 'hash-kv'],
  ['empty-directory', 'snapshot-bytes'],
] as const;

test('every drill there is, is run here', async () => {
  const names = (await listDrills()).map(({ name }) => name);
  // These have a place of their own: the specification of `restore`, and the tests that have another engine.
  const elsewhere = ['restore', 'other-engine', 'engine-move'];
  expect([...drills.map(([name]) => name), ...elsewhere].sort()).toEqual(names.sort());
});

describe('on the built-in engine, the drill', () => specifyDrills(() => ({}), drills));
