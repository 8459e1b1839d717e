/** One cluster with members of both engines: whatever is asked of any of them, all must come to hold the same. */
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ensureBuilt } from '../../../scripts/build.ts';
import { isReadOnlyTxn, rangesOf } from '../../../server/apply/mod.ts';
import type { BucketName } from '../../../server/backend/backend.ts';
import { BoltDatabase } from '../../../server/bolt/mod.ts';
import {
  AuthService,
  KVService,
  LeaseService,
  MaintenanceService,
  type TxnRequest,
} from '../../../server/proto/gen/rpc.ts';
import { RawCaller } from '../../interop/raw-caller.ts';
import { moveLeader } from '../leader-moves.ts';
import { TestCluster } from '../test-cluster.ts';
import { upstreamExecutables } from '../upstream.ts';
import { clearing, emptying, inventory, lastPut, memberFlags } from './closing-steps.ts';
import { comparableBytes, withoutHeader } from './comparison.ts';
import { Knowledge } from './knowledge.ts';
import { bytes, describeRequest, type Step, step } from './step.ts';

/** What must be the same in every database; of the keys, HashKV says it. */
const buckets: readonly BucketName[] = ['auth', 'authUsers', 'authRoles', 'lease', 'alarm'];

/** The index of a member that is ours in every mix. */
const ours = 2;

/** What every member is asked after a sequence, beside the inventory; the first catches it up with the others. */
const catchUp = step(KVService.Range, { key: bytes('end') });
const questions: readonly Step[] = [
  step(LeaseService.LeaseLeases, {}),
  step(MaintenanceService.Alarm, {}),
  ...inventory,
];
/** Compactions go on beside everything else, and HashKV of an emptied store depends on how far they are. */
const patienceMs = 5000;
const answerMs = 30_000;

export type Engine = 'upstream' | 'built-in';

/** The members of one cluster do not hold the same. */
export class Divergence extends Error {
  override readonly name = 'Divergence';
}

/** Somebody did not answer, which tells nothing about either engine: what the cluster has come to is not known. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

export class MixedCluster {
  /** How many answers of all members were the same. */
  compared = 0;
  private readonly cluster: TestCluster;
  private readonly upstreamCount: number;
  private readonly callers: readonly RawCaller[];
  /** Of one sequence. */
  private trace: string[] = [];
  private readonly known = new Knowledge();
  private readonly tokens = new Map<string, string>();

  private constructor(cluster: TestCluster, upstreamCount: number) {
    this.cluster = cluster;
    this.upstreamCount = upstreamCount;
    this.callers = cluster.endpoints.map((url) => new RawCaller(url));
  }

  /** @param upstreamCount how many of the three members are upstream's */
  static async start(upstreamCount: number): Promise<MixedCluster> {
    const cluster = await TestCluster.create(await ensureBuilt(), { flags: memberFlags });
    for (const member of cluster.members.slice(0, upstreamCount)) member.executables = upstreamExecutables();
    try {
      await cluster.startAll();
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return new MixedCluster(cluster, upstreamCount);
  }

  async close(): Promise<void> {
    for (const caller of this.callers) caller.close();
    await this.cluster.close();
  }

  /**
   * Hands leadership on, empties the cluster, sends each step to the member named for it, and compares what the members
   * hold then.
   *
   * @param memberFor draws one of the three
   * @returns the engine of the leader
   * @throws Divergence or NoAnswer, after which the cluster is no longer of use
   */
  async run(steps: readonly Step[], memberFor: () => number): Promise<Engine> {
    this.trace = [];
    for (const each of emptying) await this.take(each, memberFor());
    this.known.passwords.clear();
    this.tokens.clear();
    const leader = await this.nextLeader();
    for (const each of steps) if (!this.known.isBeyondCompare(each)) await this.take(each, memberFor());
    await this.openUp(memberFor);
    await this.compareMembers(memberFor());
    return leader;
  }

  /** Stops every member and compares what is in their databases. @throws Divergence */
  async stopAndCompare(): Promise<void> {
    await this.cluster.stopAll();
    const [first, ...others] = await Promise.all(this.cluster.members.map(({ dataDir }) => recordsOf(dataDir)));
    for (const [i, other] of others.entries()) {
      for (const [record, value] of new Map([...(first ?? []), ...other])) {
        if (first?.get(record) === other.get(record)) continue;
        throw this.divergence(
          `${record} is ${first?.get(record)} at m1 and ${other.get(record)} at m${i + 2} (${value})`,
        );
      }
    }
  }

  private async nextLeader(): Promise<Engine> {
    const lead = await moveLeader(this.cluster);
    const clients = this.cluster.endpoints.map((endpoint) => this.cluster.client([endpoint]));
    try {
      const statuses = await Promise.all(clients.map((client) => client.status()));
      const index = statuses.findIndex(({ header }) => header?.member_id === lead);
      this.trace.push(`(m${index + 1} leads)`);
      return index < this.upstreamCount ? 'upstream' : 'built-in';
    } finally {
      for (const client of clients) client.close();
    }
  }

  /** @returns whether it was done */
  private async take(each: Step, drawn: number): Promise<boolean> {
    const { method, as } = each;
    const request = each.request(this.known.revisions);
    const member = dividesUpstream(each, request) ? ours : drawn;
    const token = as === undefined ? undefined : await this.tokenOf(as, member);
    this.trace.push(`m${member + 1}: ${describeRequest(each, request)}`);
    const answer = await this.caller(member).exchange(method, request, token === undefined ? {} : { token });
    if ('error' in answer) {
      this.trace.push(`    ${answer.error}`);
      this.requireAnswer(answer.error);
      if (answer.error.includes('invalid auth token') && as !== undefined) this.tokens.delete(as);
      return false;
    }
    this.trace.push(`    revision ${withoutHeader(answer.bytes).revision}`);
    this.known.learn(each, request, answer.bytes);
    if (method.path === AuthService.AuthDisable.path) this.tokens.clear();
    if (method.path === AuthService.Authenticate.path) {
      this.tokens.set((request as { name: string }).name, AuthService.Authenticate.response.decode(answer.bytes).token);
    }
    return true;
  }

  /** @throws NoAnswer; Divergence when that is because a member has ended */
  private requireAnswer(error: string): void {
    if (!isTransient(error)) return;
    for (const [index, { name, process: child }] of this.cluster.members.entries()) {
      if (child?.exitCode === null && child.signalCode === null) continue;
      throw this.divergence(`${name} has ended:\n${this.cluster.logTail(this.cluster.member(index), 30)}`);
    }
    throw new NoAnswer(`${error}, to the last of these:\n  ${this.trace.join('\n  ')}`);
  }

  private async tokenOf(name: string, member: number): Promise<string | undefined> {
    const password = this.known.passwords.get(name);
    if (!this.known.isAuthEnabled || password === undefined) return undefined;
    if (!this.tokens.has(name)) await this.take(step(AuthService.Authenticate, { name, password }), member);
    return this.tokens.get(name);
  }

  /** Ends whatever keeps requests out. */
  private async openUp(memberFor: () => number): Promise<void> {
    // A token that is good no longer, or not yet at that member, is found out by an attempt.
    for (let tries = 20; this.known.isAuthEnabled && tries > 0; tries--) {
      if (!(await this.take(step(AuthService.AuthDisable, {}, 'root'), memberFor()))) await delay(100);
    }
    if (this.known.isAuthEnabled) throw new Error(`nobody can turn authentication off:\n  ${this.trace.join('\n  ')}`);
    for (const each of clearing) await this.take(each, memberFor());
    this.known.mayHaveAlarm = false;
  }

  private async compareMembers(member: number): Promise<void> {
    await this.take(lastPut, member);
    await this.askAll(catchUp);
    const { current, compacted } = this.known.revisions;
    for (const revision of [current, compacted + 1]) await this.askAll(step(MaintenanceService.HashKV, { revision }));
    for (const each of questions) await this.askAll(each);
  }

  /** @throws Divergence when the members go on answering differently */
  private async askAll(each: Step): Promise<void> {
    const beganMs = Date.now();
    for (;;) {
      const answers = await Promise.all(this.callers.map((caller) => this.answerOf(caller, each)));
      const waitedMs = Date.now() - beganMs;
      const refused = answers.find(isTransient);
      if (refused === undefined && new Set(answers).size === 1) break;
      if (refused !== undefined && waitedMs > answerMs) this.requireAnswer(refused);
      if (refused === undefined && waitedMs > patienceMs) {
        this.trace.push(`all: ${describeRequest(each, each.request(this.known.revisions))}`);
        throw this.divergence(answers.map((answer, i) => `m${i + 1}: ${answer}`).join('\n'));
      }
      await delay(50);
    }
    this.compared++;
  }

  private async answerOf(caller: RawCaller, { method, request }: Step): Promise<string> {
    const answer = await caller.exchange(method, request(this.known.revisions));
    return 'error' in answer ? answer.error : comparableBytes(method.path, answer.bytes);
  }

  private caller(member: number): RawCaller {
    return this.callers[member] as RawCaller;
  }

  private divergence(what: string): Divergence {
    const who = `m1 to m${this.upstreamCount} are upstream's`;
    return new Divergence(`the members differ (${who}) after these:\n  ${this.trace.join('\n  ')}\n${what}`);
  }
}

/**
 * Members of 3.5 leave the ranges out of a transaction that another member was asked for: one that only its ranges forbid,
 * for what the user may not read or what can no longer be read, is carried out by all of them but the one that was asked.
 * Ours keeps it out of the log.
 */
function dividesUpstream({ method }: Step, request: unknown): boolean {
  if (method.path !== KVService.Txn.path || isReadOnlyTxn(request as TxnRequest)) return false;
  return rangesOf(request as TxnRequest).length > 0;
}

/** Answers that come of time-outs and elections: DEADLINE_EXCEEDED and UNAVAILABLE. */
function isTransient(answer: string): boolean {
  return /^(4|14) /.test(answer);
}

async function recordsOf(dataDir: string): Promise<Map<string, string>> {
  const database = await BoltDatabase.open(path.join(dataDir, 'member/snap/db'), { readOnly: true });
  try {
    const records = new Map<string, string>();
    for (const bucket of buckets) {
      database.view().scan(bucket, Buffer.alloc(0), undefined, (key, value) => {
        records.set(`${bucket}/${key.toString('hex')}`, value.toString('hex'));
      });
    }
    return records;
  } finally {
    await database.close();
  }
}
