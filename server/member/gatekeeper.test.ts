import { X509Certificate } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { createAuthority, issue, systemSources } from '../../pki/mod.ts';
import { AuthStore, SimpleTokens } from '../auth/mod.ts';
import { MemoryBackend } from '../backend/testing/memory-backend.ts';
import { silentLogger } from '../base/logger.ts';
import { AuthUserAddRequest } from '../proto/gen/rpc.ts';
import { asItself, type Caller } from './etcd-member.ts';
import { Gatekeeper, headerOf } from './gatekeeper.ts';
import { AppliedIndexWaiters } from './pending.ts';

const prefix = 'p'.repeat(16);

let auth: AuthStore;
let applied: AppliedIndexWaiters;

beforeEach(() => {
  auth = new AuthStore({ backend: new MemoryBackend(), tokens: new SimpleTokens(1000, () => 0), hashNow: String });
  auth.restore();
  auth.addUser(AuthUserAddRequest.create({ name: 'root' }));
  auth.grantRole('root', 'root');
  auth.enable();
  applied = new AppliedIndexWaiters(10);
});

function gatekeeper(clientCertAuth = true, timeoutMs = 60_000): Gatekeeper {
  return new Gatekeeper({ auth: () => auth, applied, timeoutMs, clientCertAuth, log: silentLogger });
}

function caller(metadata: Record<string, string>, certificate?: X509Certificate): Caller {
  return { metadata: (name) => metadata[name], peerCertificate: () => certificate };
}

function certificateOf(commonName: string): X509Certificate {
  const validityMs = 3_600_000;
  const authority = createAuthority({ commonName: 'CA', validityMs }, systemSources);
  const { certificate } = issue(authority, { profile: 'client', commonName, validityMs }, systemSources);
  return new X509Certificate(certificate);
}

describe('a caller', () => {
  test('is not asked for while authentication is off', () => {
    auth.disable();
    expect(gatekeeper().identify(caller({ token: 'no token at all' }))).toBeUndefined();
  });

  test('is the user of its token, under either name of the header, and of the first of several', async () => {
    const token = auth.authenticate('root', prefix, 9);
    const { revision } = auth;
    for (const metadata of [
      { token },
      { authorization: token },
      { token: `${token}, other.1` },
      { token, authorization: 'x' },
    ]) {
      expect(await gatekeeper().identify(caller(metadata))).toEqual({ username: 'root', revision });
    }
  });

  test.each(['', 'x', 'x.1', `Bearer ${prefix}.9`, `${prefix}.8`])(
    'with a token that is none is refused: "%s"',
    async (token) => {
      auth.authenticate('root', prefix, 9);
      await expect(gatekeeper().identify(caller({ token }))).rejects.toMatchObject({ code: 16 });
      await expect(gatekeeper().identify(caller({ token }, certificateOf('root')))).rejects.toMatchObject({ code: 16 });
    },
  );

  test('with a token of a member that is ahead is waited for', async () => {
    const answer = gatekeeper().identify(caller({ token: `${prefix}.12` }));
    applied.advance(12);
    auth.authenticate('root', prefix, 12);
    applied.advance(13);
    expect(await answer).toMatchObject({ username: 'root' });
  });

  test('with a token of what never comes is not waited for longer than a request may take', async () => {
    const answer = gatekeeper(true, 1).identify(caller({ token: `${prefix}.99999` }));
    await expect(answer).rejects.toMatchObject({ code: 14 });
  });

  test('without a token is whom its certificate names, if certificates count', async () => {
    const certificate = certificateOf('alice');
    const { revision } = auth;
    expect(await gatekeeper().identify(caller({}, certificate))).toEqual({ username: 'alice', revision });
    expect(await gatekeeper(false).identify(caller({}, certificate))).toBeUndefined();
    expect(await gatekeeper().identify(caller({}))).toBeUndefined();
    const token = auth.authenticate('root', prefix, 9);
    expect(await gatekeeper().identify(caller({ token }, certificate))).toMatchObject({ username: 'root' });
  });

  test('behind a gateway is not the gateway', async () => {
    const proxied = caller({ 'grpcgateway-accept': 'application/json' }, certificateOf('root'));
    expect(await gatekeeper().identify(proxied)).toBeUndefined();
  });

  test('is root when it is the member itself, and nobody when it is left out', async () => {
    expect(await gatekeeper().identify(asItself)).toEqual({ username: 'root', revision: auth.revision });
    expect(await gatekeeper().identify(undefined)).toBeUndefined();
  });

  test('goes into the header of what is logged', () => {
    expect(headerOf(undefined)).toEqual({});
    expect(headerOf({ username: 'u', revision: 3 })).toEqual({ header: { ID: 0n, username: 'u', auth_revision: 3 } });
  });
});
