/** One member of each engine, which are asked the same and must answer the same. */
import { ensureBuilt } from '../../../scripts/build.ts';
import {
  AuthService,
  MaintenanceService,
  WatchCreateRequest,
  WatchRequest,
  type WatchResponse,
  WatchService,
} from '../../../server/proto/gen/rpc.ts';
import { RawCaller } from '../../interop/raw-caller.ts';
import { TestCluster } from '../test-cluster.ts';
import { upstreamExecutables } from '../upstream.ts';
import { allKeys, clearing, emptying, inventory, lastPut, memberFlags } from './closing-steps.ts';
import { comparableBytes } from './comparison.ts';
import { Knowledge } from './knowledge.ts';
import { describeRequest, printed, type Step, step } from './step.ts';

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
  /** Of one sequence. */
  private trace: string[] = [];
  private readonly known = new Knowledge();
  private readonly clusters: readonly [theirs: TestCluster, ours: TestCluster];
  private readonly callers: readonly [theirs: RawCaller, ours: RawCaller];
  private readonly tokens = new Map<string, readonly [theirs: string, ours: string]>();

  private constructor(clusters: readonly [TestCluster, TestCluster]) {
    this.clusters = clusters;
    const [theirs, ours] = clusters;
    this.callers = [new RawCaller(theirs.member(0).clientUrl), new RawCaller(ours.member(0).clientUrl)];
  }

  static async start(): Promise<Pair> {
    const options = { members: 1, flags: memberFlags };
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
    for (const each of steps) if (!this.known.isBeyondCompare(each)) await this.take(each);
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

  private async take(each: Step): Promise<void> {
    const { method, as } = each;
    const tokens = as === undefined ? undefined : await this.tokensOf(as);
    const request = each.request(this.known.revisions);
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
    const password = this.known.passwords.get(name);
    if (!this.known.isAuthEnabled || password === undefined) return undefined;
    if (!this.tokens.has(name)) await this.take(step(AuthService.Authenticate, { name, password }));
    return this.tokens.get(name);
  }

  private remember(each: Step, request: unknown, theirs: Buffer, ours: Buffer): void {
    this.known.learn(each, request, theirs);
    const { path } = each.method;
    if (path === AuthService.AuthDisable.path) this.tokens.clear();
    if (path !== AuthService.Authenticate.path) return;
    const [one, other] = [theirs, ours].map((answer) => AuthService.Authenticate.response.decode(answer).token);
    this.tokens.set((request as { name: string }).name, [one ?? '', other ?? '']);
  }

  /** Ends whatever keeps requests out. */
  private async openUp(): Promise<void> {
    // A token that is good no longer is found out by the first attempt.
    for (let tries = 2; this.known.isAuthEnabled && tries > 0; tries--)
      await this.take(step(AuthService.AuthDisable, {}, 'root'));
    if (this.known.isAuthEnabled) throw new Error(`nobody can turn authentication off:\n  ${this.trace.join('\n  ')}`);
    for (const each of clearing) await this.take(each);
    this.known.mayHaveAlarm = false;
  }

  private async compareState(): Promise<void> {
    await this.take(lastPut);
    await this.compareHistory();
    const { compacted } = this.known.revisions;
    for (const revision of [0, compacted, compacted + 1]) {
      await this.take(step(MaintenanceService.HashKV, { revision }));
    }
    for (const each of inventory) await this.take(each);
  }

  /** What a watch tells from the oldest revision that there is up to the newest. */
  private async compareHistory(): Promise<void> {
    const { current, compacted } = this.known.revisions;
    for (const start_revision of compacted > 1 ? [compacted + 1, compacted - 1] : [compacted + 1]) {
      const create_request = WatchCreateRequest.create({ ...allKeys, start_revision, prev_kv: true });
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
    for (const each of emptying) await this.take(each);
    this.known.passwords.clear();
    this.tokens.clear();
  }
}
