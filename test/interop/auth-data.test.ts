/** What users and roles leave behind: the same buckets as upstream, and directories that go from one engine to the other. */
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { ensureBuilt } from '../../scripts/build.ts';
import { BoltBackend } from '../../server/backend/bolt-backend.ts';
import { Permission, User } from '../../server/proto/gen/auth.ts';
import { AuthService, KVService } from '../../server/proto/gen/rpc.ts';
import type { TestCluster } from '../support/test-cluster.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';
import { ask, callerOf, closeAll, hashKv, login, outcome, startBoth, startOne } from './auth-bench.ts';
import { bytes, type Probe, setUp } from './auth-requests.ts';
import { comparable } from './raw-caller.ts';

afterEach(closeAll);

const revisionProbe: Probe = {
  title: 'auth revision',
  method: AuthService.AuthStatus as Probe['method'],
  request: {},
  isOpaque: false,
};

/** What the three buckets of auth hold; of passwords only that there is one, since each has its own salt. */
async function bucketsOf(cluster: TestCluster): Promise<Record<string, Record<string, unknown>>> {
  const backend = await BoltBackend.open(path.join(cluster.member(0).dataDir, 'member', 'snap', 'db'));
  const found: Record<string, Record<string, unknown>> = {};
  for (const bucket of ['auth', 'authUsers', 'authRoles'] as const) {
    const pairs: Record<string, unknown> = {};
    backend.scan(bucket, Buffer.alloc(0), undefined, (key, value) => {
      const bare = bucket === 'authUsers' ? withoutPassword(Buffer.from(value)) : value;
      pairs[Buffer.from(key).toString()] = Buffer.from(bare as Uint8Array).toString('hex');
    });
    found[bucket] = pairs;
  }
  await backend.close();
  return found;
}

function withoutPassword(record: Buffer): Uint8Array {
  const user = User.decode(record);
  expect(Buffer.from(User.encode(user))).toEqual(record);
  return User.encode({ ...user, password: user.password.length === 0 ? user.password : bytes('some') });
}

describe.skipIf(!haveUpstream())('users and roles are kept as upstream keeps them:', () => {
  test.each([1, 2])(
    'whatever is done to users and roles, by whomever, leaves the same buckets (seed %i)',
    { timeout: 120_000 },
    async (seed) => {
      const both = await startBoth();
      const callersOfBoth = both.map((cluster) => callerOf(cluster));
      const random = mulberry32(seed);
      const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
      for (let i = 0; i < 300; i++) {
        const who = pick(['root', 'root', 'root', 'u', 'v']);
        const probe = randomChange(pick, i);
        const headers = await Promise.all(
          callersOfBoth.map((caller) => login(caller, who).catch((error: Error) => ({ failed: error.message }))),
        );
        const answers = await Promise.all(
          callersOfBoth.map(async (caller, side) => {
            const own = headers[side] as { token?: string; failed?: string };
            const used = own.token === undefined ? {} : { token: own.token };
            return {
              login: own.failed,
              change: await outcome(caller, probe, used),
              revision: await outcome(caller, revisionProbe, used),
            };
          }),
        );
        expect(answers[1], `seed ${seed}, step ${i}: ${probe.title} by ${who}`).toEqual(answers[0]);
      }
      await Promise.all(both.map((cluster) => cluster.stopAll()));
      const [expected, got] = await Promise.all(both.map(bucketsOf));
      expect(got).toEqual(expected);
      expect(Object.keys(got?.authUsers ?? {}).length).toBeGreaterThan(0);
    },
  );

  test('a data directory with users goes from one engine to the other and back', { timeout: 120_000 }, async () => {
    const own = await ensureBuilt();
    const cluster = await startOne(upstreamExecutables());
    const first = callerOf(cluster);
    for (const probe of setUp) await outcome(first, probe, {});
    const state = async () => {
      const caller = callerOf(cluster);
      const root = await login(caller, 'root', 'r');
      const u = await login(caller, 'u');
      const denied = await ask(caller, KVService.Range, { key: bytes('z') }, u);
      return {
        denied: comparable(denied),
        allowed: comparable(await ask(caller, KVService.Range, { key: bytes('a/1') }, u)),
        status: comparable(await ask(caller, AuthService.AuthStatus, {}, root)),
        role: comparable(await ask(caller, AuthService.RoleGet, { role: 'r' }, root)),
        hash: await hashKv(caller, root),
      };
    };
    const before = await state();
    expect(before.denied).toBe('7 etcdserver: permission denied');
    let buckets: unknown;
    for (const executables of [own, upstreamExecutables(), own]) {
      await cluster.signal(0, executables === own ? 'SIGKILL' : 'SIGTERM');
      cluster.executables = executables;
      cluster.launch(0);
      await untilHealthy(cluster);
      expect(await state()).toEqual(before);
      await cluster.stopAll();
      buckets ??= await bucketsOf(cluster);
      expect(await bucketsOf(cluster)).toEqual(buckets);
      cluster.launch(0);
      await untilHealthy(cluster);
    }
  });
});

function randomChange(pick: <T>(from: readonly T[]) => T, step: number): Probe {
  const [user, role] = [pick(['root', 'u', 'v', 'w']), pick(['root', 'r', 's', 't'])];
  const [key, range_end] = [bytes(pick(['a', 'b', 'c', ''])), bytes(pick(['', '', 'c', 'd', '\0', 'a']))];
  const perm = Permission.create({ permType: pick([0, 1, 2]), key, range_end });
  const changes: [string, unknown, object][] = [
    [`add user ${user}`, AuthService.UserAdd, { name: user, password: user }],
    [`delete user ${user}`, AuthService.UserDelete, { name: user }],
    [`passwd ${user}`, AuthService.UserChangePassword, { name: user, password: user }],
    [`grant ${user} ${role}`, AuthService.UserGrantRole, { user, role }],
    [`revoke ${user} ${role}`, AuthService.UserRevokeRole, { name: user, role }],
    [`get user ${user}`, AuthService.UserGet, { name: user }],
    [`add role ${role}`, AuthService.RoleAdd, { name: role }],
    [`delete role ${role}`, AuthService.RoleDelete, { role }],
    [`get role ${role}`, AuthService.RoleGet, { role }],
    [`permit ${role}`, AuthService.RoleGrantPermission, { name: role, perm }],
    [`forbid ${role}`, AuthService.RoleRevokePermission, { role, key, range_end }],
    [`put ${key}`, KVService.Put, { key: key.length === 0 ? bytes('a') : key, value: bytes(String(step)) }],
    [`range ${key} ${range_end}`, KVService.Range, { key, range_end }],
    [`delete ${key} ${range_end}`, KVService.DeleteRange, { key, range_end }],
    ['enable', AuthService.AuthEnable, {}],
    ['disable', AuthService.AuthDisable, {}],
  ];
  const often = changes.filter(([title]) => !/^(?:delete (?:user|role)|disable)/.test(title));
  const [title, method, request] = pick([...changes, ...often, ...often]);
  const definition = method as Probe['method'];
  return {
    title,
    method: definition,
    request: { ...(definition.request.create() as object), ...request },
    isOpaque: false,
  };
}

/** A member that wants a token is known to be up by its /health. @throws Error after half a minute */
async function untilHealthy(cluster: TestCluster): Promise<void> {
  const { clientUrl } = cluster.member(0);
  const healthy = () =>
    fetch(`${clientUrl}/health`).then(
      async (response) => response.ok,
      () => false,
    );
  await expect.poll(healthy, { timeout: 30_000, interval: 50 }).toBe(true);
}

/** A small generator of numbers in [0, 1) that a seed reproduces. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
