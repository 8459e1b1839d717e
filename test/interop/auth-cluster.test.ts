/** Logins that count at members of either engine. */
import { afterEach, describe, expect, test } from 'vitest';
import { ensureBuilt } from '../../scripts/build.ts';
import { Permission } from '../../server/proto/gen/auth.ts';
import {
  AuthService,
  ClusterService,
  KVService,
  MaintenanceService,
  type MemberListResponse,
  RangeRequest,
} from '../../server/proto/gen/rpc.ts';
import { TestCluster } from '../support/test-cluster.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';
import { ask, callerOf, closeAll, clusters, flags, hashKv, login, outcome, succeed } from './auth-bench.ts';
import { bytes, setUp } from './auth-requests.ts';
import { comparable, type RawCaller } from './raw-caller.ts';

afterEach(closeAll);

describe.skipIf(!haveUpstream())('auth in a cluster of both engines', () => {
  test('a login at any member counts at all, and changes hold everywhere at once', { timeout: 120_000 }, async () => {
    const cluster = await TestCluster.create(upstreamExecutables(), { members: 3, flags });
    clusters.push(cluster);
    cluster.launch(0);
    cluster.executables = await ensureBuilt();
    cluster.launch(1);
    cluster.launch(2);
    await cluster.waitHealthy();
    const each = cluster.members.map((_, index) => callerOf(cluster, index));
    const [first] = each as [RawCaller];
    for (const probe of setUp) await outcome(first, probe, {});
    // Each of its own member: it is known there once it is given out.
    const admins = await Promise.all(each.map((caller) => login(caller, 'root', 'r')));
    const caughtUp = (caller: RawCaller): Promise<unknown> =>
      succeed(caller, KVService.Range, { key: bytes('a/1') }, admins[each.indexOf(caller)]);
    // A token names the entry before its login: upstream's member refuses it while it lacks the login alone.
    const knowsLogin = (caller: RawCaller): Promise<unknown> | undefined =>
      caller === first ? caughtUp(caller) : undefined;
    const { members }: MemberListResponse = await succeed(first, ClusterService.MemberList, {}, admins[0]);

    for (const [turn, { ID }] of members.entries()) {
      // Whoever leads hands leadership on; the others say that they do not.
      await Promise.all(
        each.map((caller, index) => ask(caller, MaintenanceService.MoveLeader, { targetID: ID }, admins[index])),
      );
      await Promise.all(each.map(caughtUp));
      for (const from of each) {
        const u = await login(from, 'u');
        for (const at of each) {
          await knowsLogin(at);
          await succeed(at, KVService.Range, { key: bytes('a/1') }, u);
          expect(await ask(at, KVService.Put, { key: bytes('z') }, u)).toEqual({
            error: '7 etcdserver: permission denied',
          });
        }
      }
      for (const at of each) {
        const role = `role ${turn} ${each.indexOf(at)}`;
        const perm = Permission.create({ permType: 2, key: bytes('z') });
        const admin = admins[each.indexOf(at)];
        await succeed(at, AuthService.RoleAdd, { name: role }, admin);
        await succeed(at, AuthService.RoleGrantPermission, { name: role, perm }, admin);
        await succeed(at, AuthService.UserGrantRole, { user: 'u', role }, admin);
        const u = await login(at, 'u');
        for (const other of each) {
          await knowsLogin(other);
          await succeed(other, KVService.Put, { key: bytes('z') }, u);
        }
        await succeed(at, AuthService.UserRevokeRole, { name: 'u', role }, admin);
        for (const other of each) {
          await caughtUp(other);
          expect(await ask(other, KVService.Put, { key: bytes('z') }, u)).toEqual({
            error: '7 etcdserver: permission denied',
          });
        }
      }
    }

    const all = { key: bytes('\0'), range_end: bytes('\0') };
    const states = [];
    for (const [index, caller] of each.entries()) {
      const root = admins[index] as { token: string };
      await succeed(caller, KVService.Range, RangeRequest.create(all), root);
      const status = comparable(await ask(caller, AuthService.AuthStatus, {}, root));
      states.push({ status, hash: await hashKv(caller, root) });
    }
    expect(states[1]).toEqual(states[0]);
    expect(states[2]).toEqual(states[0]);
  });
});
