/** The same with upstream's engine out of an archive, and ours in its place in the end. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { describe } from 'vitest';
import { haveUpstream } from '../support/upstream.ts';
import { haveMachines } from './support/machine-lab.ts';
import { enginePaths, specifyMachines } from './support/machines-spec.ts';

describe.skipIf(!haveMachines() || !haveUpstream())("a lab on machines, on upstream's engine", () => {
  specifyMachines({
    engine: async (folder) => {
      const file = path.join(folder, 'etcd.tar.gz');
      const binaries = process.env.ETCDLAB_UPSTREAM as string;
      await execa('tar', ['-C', binaries, '-czf', file, 'etcd', 'etcdctl', 'etcdutl']);
      const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
      return `engine: { kind: upstream, archive: etcd.tar.gz, sha256: ${sha256} }`;
    },
    installed: enginePaths.upstream,
    drills: [
      ['restore', 'hash-kv'],
      ['corrupt-wal', 'refused-start'],
      ['quorum-lost', 'acknowledged-writes'],
    ],
    other: { args: ['built-in'], installed: enginePaths.builtIn },
  });
});
