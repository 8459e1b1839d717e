import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PkiStore } from '../../../pki/mod.ts';
import { opensslIsMissing } from '../../../pki/testing/openssl.ts';
import { parseConfig } from '../../lab/config-file.ts';
import { labNodes } from '../../lab/nodes.ts';
import { labPaths } from '../../lab/state.ts';
import { scratchFolder } from '../../testing/scratch.ts';
import { planPki } from '../certificates.ts';
import { nextState } from '../up.ts';
import { renderCertificates } from './certificates-by-hand.ts';

const machines =
  'nodes: [{ name: a, address: 10.0.0.1, alternativeNames: [a.example] }, { name: b, address: 10.0.0.2 }]';

describe.skipIf(opensslIsMissing)('the script that makes certificates by hand', () => {
  it.each(['{}', '{ algorithm: ecdsa-p384, validity: 90d }', '{ authorityAlgorithm: rsa-2048 }'])(
    'leaves nothing for up to issue: %s',
    async (settings) => {
      const text = `provider: ssh\nssh: { user: lab }\n${machines}\ncertificates: ${settings}`;
      const config = parseConfig(text, 'lab.yaml', '/');
      const nodes = labNodes(nextState(undefined, config), labPaths('/nowhere', 'lab'));
      const script = await renderCertificates('lab', nodes, config.certificates);
      const pki = join(scratchFolder(), 'pki');
      const run = () => spawnSync('sh', [], { input: script, encoding: 'utf8', env: { ...process.env, PKI: pki } });
      const made = run();
      expect([made.status, made.stderr]).toEqual([0, expect.any(String)]);
      const store = new PkiStore(pki);
      expect(await planPki(store, nodes, config.certificates, new Date(Date.now() + 2000))).toEqual({
        newAuthorities: [],
        toIssue: [],
        newRevocationLists: [],
        wantedCount: 5,
      });
      expect(await store.loosePermissions()).toEqual([]);
      // Two revocation lists, and for each of seven names a certificate and its key.
      expect(readdirSync(pki)).toHaveLength(16);
      expect(run().status, 'keys that are there are not replaced').not.toBe(0);
    },
  );
});
