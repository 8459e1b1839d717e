/** JSON web tokens that count at members of either engine. */
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { AuthService, KVService } from '../../server/proto/gen/rpc.ts';
import { haveUpstream } from '../support/upstream.ts';
import { ask, callerOf, closeAll, login, outcome, startBoth, succeed } from './auth-bench.ts';
import { bytes, setUp } from './auth-requests.ts';
import type { RawCaller } from './raw-caller.ts';

afterEach(closeAll);

describe.skipIf(!haveUpstream())('logins at either engine', () => {
  test('web tokens of either engine are good for both, until users change', { timeout: 120_000 }, async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'etcdlab-jwt-'));
    try {
      for (const method of ['RS256', 'ES256', 'HS512']) {
        const keyFile = path.join(folder, method);
        writeFileSync(keyFile, privateKeyFor(method), { mode: 0o600 });
        const options = { flags: [`--auth-token=jwt,sign-method=${method},priv-key=${keyFile},ttl=10m`] };
        const both = (await startBoth(options)).map((cluster) => callerOf(cluster)) as [RawCaller, RawCaller];
        for (const caller of both) for (const probe of setUp) await outcome(caller, probe, {});
        const tokens = await Promise.all(both.map((caller) => login(caller, 'root', 'r')));
        for (const caller of both) {
          for (const token of tokens) {
            expect(await ask(caller, KVService.Range, { key: bytes('a/1') }, token), method).toHaveProperty('response');
          }
          await succeed(caller, AuthService.RoleAdd, { name: 'more' }, tokens[0]);
          for (const token of tokens) {
            const answer = await ask(caller, KVService.Range, { key: bytes('a/1') }, token);
            expect(answer, method).toEqual({ error: '3 etcdserver: revision of auth store is old' });
          }
        }
        await closeAll();
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

function privateKeyFor(method: string): string | Buffer {
  if (method.startsWith('HS')) return Buffer.alloc(64, 's');
  const { privateKey } = method.startsWith('ES')
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' });
}
