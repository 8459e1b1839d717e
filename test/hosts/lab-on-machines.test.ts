/** A lab on machines with systemd, on either engine, and from each to the other. */
import { describe } from 'vitest';
import { haveUpstream } from '../support/upstream.ts';
import { haveMachines } from './support/machine-lab.ts';
import { specifyMachines } from './support/machines-spec.ts';

const builtIn = /\/opt\/etcdlab\/built-in-[0-9a-f]{16}\/etcd /;
const upstream = /\/opt\/etcdlab\/upstream-[0-9a-f]{16}\/etcd /;
const folder = process.env.ETCDLAB_UPSTREAM ?? '';

describe.skipIf(!haveMachines())('a lab on machines', () => {
  specifyMachines({
    engine: async () => '',
    installed: builtIn,
    ...(haveUpstream() && { other: { args: ['upstream', '--path', folder], installed: upstream } }),
  });
});

describe.skipIf(!haveMachines() || !haveUpstream())("a lab on machines, on upstream's engine", () => {
  specifyMachines({
    engine: async () => `engine: { kind: upstream, path: ${folder} }`,
    installed: upstream,
    other: { args: ['built-in'], installed: builtIn },
  });
});
