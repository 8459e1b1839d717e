/** Certificates for a lab of three members with some clients: ours in-process, upstream's way by cfssl. */
import path from 'node:path';
import { createAuthority, issue, PkiStore, systemSources } from '../../pki/mod.ts';
import type { EngineRow } from '../row.ts';
import { certifyByHand } from './by-hand.ts';

const validityMs = 86_400_000;
const wanted = ['clients', 'peers'].map((authority) => ({
  authority,
  certificates: Array.from({ length: 5 }, (_, i) => `${authority}-${i}`),
}));

async function certify(folder: string): Promise<number> {
  const store = new PkiStore(path.join(folder, 'pki'));
  const startMs = performance.now();
  for (const { authority: name, certificates } of wanted) {
    const authority = createAuthority({ commonName: name, validityMs }, systemSources);
    await store.saveAuthority(name, authority);
    for (const commonName of certificates) {
      const request = { profile: 'peer' as const, commonName, ipAddresses: ['127.0.0.1'], validityMs };
      await store.save(commonName, issue(authority, request, systemSources));
    }
  }
  return performance.now() - startMs;
}

export const certificateRows: readonly EngineRow[] = [
  {
    ...{ name: 'certificates', title: 'two authorities and ten certificates', on: 'programs' },
    figures: () => ({ wallMs: { title: 'wall time (upstream: cfssl)', unit: 'ms', better: 'lower', target: 1 } }),
    measure: async ({ name, executables }, { scratch }) => {
      if (name === 'upstream') return { wallMs: await certifyByHand(executables, scratch, wanted) };
      return { wallMs: await certify(scratch) };
    },
  },
];
