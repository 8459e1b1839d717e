/** A lab on machines with systemd, and upstream's engine in the place of ours in the end. */
import { describe } from 'vitest';
import { haveUpstream } from '../support/upstream.ts';
import { haveMachines } from './support/machine-lab.ts';
import { enginePaths, specifyMachines } from './support/machines-spec.ts';

describe.skipIf(!haveMachines())('a lab on machines', () => {
  const args = ['upstream', '--path', process.env.ETCDLAB_UPSTREAM ?? ''];
  specifyMachines({
    engine: async () => '',
    installed: enginePaths.builtIn,
    drills: [
      ['restore', 'hash-kv'],
      ['corrupt-wal', 'refused-start'],
      ['quorum-lost', 'acknowledged-writes'],
      ['lost-ca-key', 'old-authority-refused'],
    ],
    ...(haveUpstream() && { other: { args, installed: enginePaths.upstream } }),
  });
});
