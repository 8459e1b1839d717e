/** Who may do what, as upstream has it: the same requests of the same callers answered alike. */
import { afterEach, describe, expect, test } from 'vitest';
import { ensureBuilt } from '../../scripts/build.ts';
import {
  AuthService,
  KVService,
  LeaseService,
  WatchCreateRequest,
  type WatchResponse,
  WatchService,
} from '../../server/proto/gen/rpc.ts';
import { haveUpstream } from '../support/upstream.ts';
import {
  ask,
  callerOf,
  closeAll,
  type Headers,
  hashKv,
  login,
  outcome,
  startBoth,
  startOne,
  succeed,
} from './auth-bench.ts';
import { bytes, probes, setUp } from './auth-requests.ts';
import { type Answer, comparable, type RawCaller } from './raw-caller.ts';

afterEach(closeAll);

describe.skipIf(!haveUpstream())('authentication and permissions are upstream’s:', () => {
  test('each request of each caller is answered alike, word by word', { timeout: 120_000 }, async () => {
    const both = (await startBoth()).map((cluster) => callerOf(cluster)) as [RawCaller, RawCaller];
    for (const probe of setUp) {
      const [expected, got] = await Promise.all(both.map((caller) => outcome(caller, probe, {})));
      expect(got, probe.title).toEqual(expected);
    }
    const tokens = await Promise.all(
      both.map(async (caller) => ({ root: await login(caller, 'root', 'r'), u: await login(caller, 'u') })),
    );
    for (const { root } of tokens) expect(root.token).toMatch(/^[A-Za-z]{16}\.\d+$/);
    const identities: Record<string, (side: number) => Headers> = {
      nobody: () => ({}),
      'no token': () => ({ token: 'no token' }),
      'unknown token': () => ({ token: 'abcdefghijklmnop.1' }),
      'a bearer': (side) => ({ authorization: `Bearer ${tokens[side]?.root.token}` }),
      u: (side) => ({ ...tokens[side]?.u }),
      root: (side) => ({ authorization: tokens[side]?.root.token ?? '' }),
    };
    for (const [group, list] of Object.entries(probes)) {
      for (const probe of list) {
        for (const [who, headers] of Object.entries(identities)) {
          const [expected, got] = await Promise.all(both.map((caller, side) => outcome(caller, probe, headers(side))));
          expect.soft(got, `${group}: ${probe.title}, asked by ${who}`).toEqual(expected);
        }
      }
    }
    const logins = [
      ...[
        ['root', 'r'],
        ['root', 'wrong'],
        ['root', ''],
        ['u', 'x'.repeat(73)],
        ['none', 'x'],
        ['np', 'x'],
        ['', ''],
      ],
    ] as const;
    for (const [name, password] of logins) {
      const [expected, got] = await Promise.all(
        both.map((caller) => ask(caller, AuthService.Authenticate, { name, password })),
      );
      expect
        .soft('error' in (got as Answer) ? got : 'done', `login as ${name}`)
        .toEqual('error' in (expected as Answer) ? expected : 'done');
    }
    const [expected, got] = await Promise.all(both.map((caller, side) => hashKv(caller, { ...tokens[side]?.root })));
    expect(got).toBe(expected);
  });

  test('a range without an end is watched by who may read to the end only, which upstream forgets', async () => {
    const ours = callerOf(await startOne(await ensureBuilt()));
    for (const probe of setUp) await outcome(ours, probe, {});
    const u = await login(ours, 'u');
    const create_request = WatchCreateRequest.create({ key: bytes('a/1'), range_end: bytes('\0') });
    const watched: WatchResponse = await succeed(ours, WatchService.Watch, { create_request }, u);
    expect(watched).toMatchObject({
      created: true,
      canceled: true,
      cancel_reason: expect.stringContaining('permission denied'),
    });
  });
  test('the common name of a certificate is a user, a token comes first, and a gateway is nobody', {
    timeout: 120_000,
  }, async () => {
    const both = (await startBoth({ tls: true })).map((cluster) => callerOf(cluster));
    for (const probe of setUp) {
      const [expected, got] = await Promise.all(both.map((caller) => outcome(caller, probe, {})));
      expect(got, probe.title).toEqual(expected);
    }
    const tokens = await Promise.all(both.map((caller) => login(caller, 'u')));
    const cases: [string, (side: number) => Headers][] = [
      ['certificate of root', () => ({})],
      ['and a token of u', (side) => ({ ...tokens[side] })],
      ['and a token of nobody', () => ({ token: 'abcdefghijklmnop.1' })],
      ['through a gateway', () => ({ 'grpcgateway-accept': 'application/json' })],
    ];
    for (const [who, headers] of cases) {
      for (const probe of [
        ...(probes['users and roles'] ?? []),
        ...(probes.transactions ?? []),
        ...(probes.leases ?? []),
      ]) {
        const [expected, got] = await Promise.all(both.map((caller, side) => outcome(caller, probe, headers(side))));
        expect.soft(got, `${probe.title}, asked with the ${who}`).toEqual(expected);
      }
    }
  });

  test('a lease that ends takes its keys along, though nobody asks for it', { timeout: 120_000 }, async () => {
    const both = (await startBoth()).map((cluster) => callerOf(cluster));
    for (const caller of both) {
      for (const probe of setUp) await outcome(caller, probe, {});
      const root = await login(caller, 'root', 'r');
      await succeed(caller, LeaseService.LeaseGrant, { ID: 9n, TTL: 8 }, root);
      await succeed(caller, KVService.Put, { key: bytes('short'), lease: 9n }, root);
    }
    for (const caller of both) {
      const root = await login(caller, 'root', 'r');
      const count = async () =>
        comparable(await ask(caller, KVService.Range, { key: bytes('short'), count_only: true }, root));
      await expect.poll(count, { timeout: 45_000 }).toMatchObject({ count: 0 });
    }
  });
});
