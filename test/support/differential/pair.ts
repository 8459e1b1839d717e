/** One member of each engine, which are asked the same and must answer the same. */
import { ensureBuilt } from '../../../scripts/build.ts';
import {
  type AlarmRequest,
  AlarmRequest_AlarmAction,
  AlarmType,
  AuthService,
  KVService,
  LeaseService,
  MaintenanceService,
  WatchCreateRequest,
  WatchRequest,
  type WatchResponse,
  WatchService,
} from '../../../server/proto/gen/rpc.ts';
import { RawCaller } from '../../interop/raw-caller.ts';
import { TestCluster } from '../test-cluster.ts';
import { upstreamExecutables } from '../upstream.ts';
import { comparableBytes, withoutHeader } from './comparison.ts';
import { leaseIds, maxRequestBytes, maxTxnOps } from './kv-steps.ts';
import { bytes, describeRequest, printed, type Step, step } from './step.ts';

const flags = [
  '--unsafe-no-fsync',
  '--bcrypt-cost=4',
  `--max-txn-ops=${maxTxnOps}`,
  `--max-request-bytes=${maxRequestBytes}`,
];
const all = { key: bytes('\0'), range_end: bytes('\0') };
const users = ['u', 'v', 'w', 'root'];
const roles = ['r', 's', 'root'];
const { DEACTIVATE } = AlarmRequest_AlarmAction;

/** The engines do not answer alike. */
export class Difference extends Error {
  override readonly name = 'Difference';

  constructor(trace: readonly string[], expected: string, got: string) {
    super(`the engines differ at the last of these:\n  ${trace.join('\n  ')}\nupstream: ${expected}\nours:     ${got}`);
  }
}

export class Pair {
  /** How many requests were answered alike. */
  compared = 0;
  /** Of one sequence, with what its revisions have come to. */
  private trace: string[] = [];
  private revisions = { current: 1, compacted: 0 };
  private readonly clusters: readonly [theirs: TestCluster, ours: TestCluster];
  private readonly callers: readonly [theirs: RawCaller, ours: RawCaller];
  /** What each user logs in with, as far as it is known. */
  private readonly passwords = new Map<string, string>();
  private readonly tokens = new Map<string, readonly [theirs: string, ours: string]>();
  private isAuthEnabled = false;
  private mayHaveAlarm = false;

  private constructor(clusters: readonly [TestCluster, TestCluster]) {
    this.clusters = clusters;
    const [theirs, ours] = clusters;
    this.callers = [new RawCaller(theirs.member(0).clientUrl), new RawCaller(ours.member(0).clientUrl)];
  }

  static async start(): Promise<Pair> {
    const options = { members: 1, flags };
    const theirs = await TestCluster.start(upstreamExecutables(), options);
    try {
      return new Pair([theirs, await TestCluster.start(await ensureBuilt(), options)]);
    } catch (error) {
      await theirs.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    for (const caller of this.callers) caller.close();
    await Promise.all(this.clusters.map((cluster) => cluster.close()));
  }

  /**
   * Asks both for each step in turn, compares what they have then, and leaves them empty.
   *
   * @throws Difference after which the two are no longer of use
   */
  async run(steps: readonly Step[]): Promise<void> {
    this.trace = [];
    for (const each of steps) if (!this.isBeyondCompare(each)) await this.take(each);
    await this.openUp();
    await this.compareState();
    await this.empty();
  }

  /** Kills both, starts them again, and compares what they have. @throws Difference */
  async restart(): Promise<void> {
    this.trace = ['(both are killed and started again)'];
    await Promise.all(this.clusters.map((cluster) => cluster.signal(0, 'SIGKILL')));
    await Promise.all(this.clusters.map((cluster) => cluster.startAll()));
    this.tokens.clear();
    await this.compareState();
  }

  /** Under an alarm, upstream 3.5 applies without looking at permissions, until it is started again. */
  private isBeyondCompare({ method, request }: Step): boolean {
    if (method.path === AuthService.AuthEnable.path) return this.mayHaveAlarm;
    if (method.path !== MaintenanceService.Alarm.path) return false;
    const isActivation = (request(this.revisions) as AlarmRequest).action === AlarmRequest_AlarmAction.ACTIVATE;
    return isActivation && this.isAuthEnabled;
  }

  private async take(each: Step): Promise<void> {
    const { method, as } = each;
    const tokens = as === undefined ? undefined : await this.tokensOf(as);
    const request = each.request(this.revisions);
    this.trace.push(describeRequest(each, request));
    const [expected, got] = await Promise.all(
      this.callers.map((caller, side) =>
        caller.exchange(method, request, tokens === undefined ? {} : { token: tokens[side] as string }),
      ),
    );
    const [theirs, ours] = [expected, got].map((answer) => {
      if (answer === undefined) throw new Error('a side has not answered');
      return 'error' in answer ? `error ${answer.error}` : comparableBytes(method.path, answer.bytes);
    }) as [string, string];
    if (theirs !== ours) throw new Difference(this.trace, theirs, ours);
    this.compared++;
    if (expected === undefined || got === undefined) return;
    if ('bytes' in expected && 'bytes' in got) this.remember(each, request, expected.bytes, got.bytes);
    else if (theirs.includes('invalid auth token') && as !== undefined) this.tokens.delete(as);
  }

  /** Tokens of a user; undefined when authentication is off or the user cannot log in. */
  private async tokensOf(name: string): Promise<readonly [string, string] | undefined> {
    const password = this.passwords.get(name);
    if (!this.isAuthEnabled || password === undefined) return undefined;
    if (!this.tokens.has(name)) await this.take(step(AuthService.Authenticate, { name, password }));
    return this.tokens.get(name);
  }

  private remember({ method }: Step, request: unknown, theirs: Buffer, ours: Buffer): void {
    const { revision } = withoutHeader(theirs);
    if (revision !== undefined && revision > 0) this.revisions.current = revision;
    const fields = request as { revision: number; name: string; password: string };
    switch (method.path) {
      case KVService.Compact.path:
        this.revisions.compacted = fields.revision;
        return;
      case MaintenanceService.Alarm.path:
        this.mayHaveAlarm ||= (request as AlarmRequest).action === AlarmRequest_AlarmAction.ACTIVATE;
        return;
      case AuthService.UserAdd.path:
      case AuthService.UserChangePassword.path:
        this.passwords.set(fields.name, fields.password);
        return;
      case AuthService.AuthEnable.path:
        this.isAuthEnabled = true;
        return;
      case AuthService.AuthDisable.path:
        this.isAuthEnabled = false;
        this.tokens.clear();
        return;
      case AuthService.Authenticate.path: {
        const [one, other] = [theirs, ours].map((answer) => AuthService.Authenticate.response.decode(answer).token);
        this.tokens.set(fields.name, [one ?? '', other ?? '']);
      }
    }
  }

  /** Ends whatever keeps requests out. */
  private async openUp(): Promise<void> {
    // A token that is good no longer is found out by the first attempt.
    for (let tries = 2; this.isAuthEnabled && tries > 0; tries--)
      await this.take(step(AuthService.AuthDisable, {}, 'root'));
    if (this.isAuthEnabled) throw new Error(`nobody can turn authentication off:\n  ${this.trace.join('\n  ')}`);
    for (const memberID of [5n, 6n]) {
      await this.take(step(MaintenanceService.Alarm, { action: DEACTIVATE, alarm: AlarmType.NOSPACE, memberID }));
    }
    this.mayHaveAlarm = false;
  }

  private async compareState(): Promise<void> {
    await this.take(step(KVService.Put, { key: bytes('end') }));
    await this.compareHistory();
    const { compacted } = this.revisions;
    for (const revision of [0, compacted, compacted + 1]) {
      await this.take(step(MaintenanceService.HashKV, { revision }));
    }
    await this.take(step(AuthService.AuthStatus, {}));
    for (const name of users) await this.take(step(AuthService.UserGet, { name }));
    for (const role of roles) await this.take(step(AuthService.RoleGet, { role }));
    for (const ID of leaseIds) await this.take(step(LeaseService.LeaseTimeToLive, { ID, keys: true }));
  }

  /** What a watch tells from the oldest revision that there is up to the newest. */
  private async compareHistory(): Promise<void> {
    const { current, compacted } = this.revisions;
    for (const start_revision of compacted > 1 ? [compacted + 1, compacted - 1] : [compacted + 1]) {
      const create_request = WatchCreateRequest.create({ ...all, start_revision, prev_kv: true });
      const isLast = ({ events, canceled }: WatchResponse): boolean =>
        canceled || events.at(-1)?.kv?.mod_revision === current;
      const [theirs, ours] = await Promise.all(
        this.callers.map(async (caller) => {
          const request = WatchRequest.create({ create_request });
          const told = await caller.takeUntil(WatchService.Watch, request, isLast);
          const ends = told
            .filter(({ canceled }) => canceled)
            .map((each) => [each.compact_revision, each.cancel_reason]);
          return printed([ends, told.flatMap(({ events }) => events)]);
        }),
      );
      this.trace.push(`- Watch of everything from revision ${start_revision} to ${current}`);
      if (theirs !== ours) throw new Difference(this.trace, String(theirs), String(ours));
      this.compared++;
    }
  }

  private async empty(): Promise<void> {
    await this.take(step(KVService.DeleteRange, all));
    for (const ID of leaseIds) await this.take(step(LeaseService.LeaseRevoke, { ID }));
    for (const name of users) await this.take(step(AuthService.UserDelete, { name }));
    for (const role of roles) await this.take(step(AuthService.RoleDelete, { role }));
    this.passwords.clear();
    this.tokens.clear();
  }
}
