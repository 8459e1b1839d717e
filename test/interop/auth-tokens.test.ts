/** JSON web tokens that count at members of either engine. */
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { AuthService, KVService, MaintenanceService } from '../../server/proto/gen/rpc.ts';
import { haveUpstream } from '../support/upstream.ts';
import { ask, callerOf, closeAll, type Headers, login, outcome, startBoth, succeed } from './auth-bench.ts';
import { bytes, probes, setUp } from './auth-requests.ts';
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

  test('a web token of a user who is gone names nobody, in the same words', { timeout: 120_000 }, async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'etcdlab-jwt-'));
    try {
      const keyFile = path.join(folder, 'key');
      writeFileSync(keyFile, privateKeyFor('HS512'), { mode: 0o600 });
      const options = { flags: [`--auth-token=jwt,sign-method=HS512,priv-key=${keyFile},ttl=10m`] };
      const both = (await startBoth(options)).map((cluster) => callerOf(cluster));
      const gone: Headers[] = [];
      for (const caller of both) {
        for (const probe of setUp) await outcome(caller, probe, {});
        gone.push(await login(caller, 'u'));
        await succeed(caller, AuthService.UserDelete, { name: 'u' }, await login(caller, 'root', 'r'));
      }
      for (const probe of Object.values(probes).flat()) {
        const [expected, got] = await Promise.all(
          both.map((caller, side) => outcome(caller, probe, gone[side] as Headers)),
        );
        expect.soft(got, probe.title).toEqual(expected);
      }
      const [, ours] = both as [RawCaller, RawCaller];
      expect(await ask(ours, AuthService.UserList, {}, gone[1])).toEqual({
        error: '9 etcdserver: user name not found',
      });
      expect(await ask(ours, MaintenanceService.Hash, {}, gone[1])).toEqual({ error: '2 auth: user not found' });
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
