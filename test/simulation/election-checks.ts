/**
 * What pre-vote and check-quorum promise (thesis §9.6, §6.2): nobody begins a term without having asked first, and a
 * leader that hears from no quorum steps down. Neither is a matter of safety, so nothing else would notice. And what a
 * read index rests on (§6.4): a quorum has confirmed the leader after the question came, and not before.
 */
import { type Message, MessageType } from '../../server/proto/gen/raft.ts';
import type { RawNode, Ready } from '../../server/raft/mod.ts';

const campaignTransfer = 'CampaignTransfer';

/** Watches one member's raft, from its start to its end. */
export class ElectionChecks {
  private readonly id: bigint;
  private readonly node: RawNode;
  private readonly electionTicks: number;
  private readonly preVote: boolean;
  private ticks = 0;
  /** The tick in which each member was heard from last. */
  private readonly heard = new Map<bigint, number>();
  /** The tick since when it leads with the present voters, and hands over to the same one if to any. */
  private leadsSince: number | undefined;
  private situation = '';
  /** Heartbeats' answers so far, and which was the last of each member. */
  private confirmations = 0;
  private readonly confirmed = new Map<bigint, number>();
  /** Questions that this leader has in its term, with the heartbeats' answers before them. */
  private readonly questions = new Map<string, number>();
  private term = 0;
  /** Who has consented to a candidacy, by the term that it is for. */
  private readonly consents = new Map<number, Set<bigint>>();

  constructor(id: bigint, node: RawNode, electionTicks: number, preVote: boolean) {
    this.id = id;
    this.node = node;
    this.electionTicks = electionTicks;
    this.preVote = preVote;
    const { tick, step, readIndex } = node;
    node.readIndex = (context) => {
      this.asked(context);
      readIndex.call(node, context);
    };
    node.tick = () => {
      tick.call(node);
      this.ticked();
    };
    node.step = (message) => {
      this.received(message);
      step.call(node, message);
    };
  }

  /** To be called with each Ready. @throws Error for a candidacy, or a read index, that nobody has consented to */
  offered({ messagesAfterPersist, messages, readStates }: Ready): void {
    for (const { context } of readStates) this.answered(context);
    for (const { type, entries } of messages) {
      if (type === MessageType.MsgReadIndexResp) this.answered(entries[0]?.Data ?? new Uint8Array());
    }
    const requests = messagesAfterPersist.filter(
      ({ type, context }) => type === MessageType.MsgVote && Buffer.from(context ?? []).toString() !== campaignTransfer,
    );
    const [first] = requests;
    if (!this.preVote || first === undefined) return;
    const needed = Math.floor((requests.length + 1) / 2);
    const consents = this.consents.get(first.term)?.size ?? 0;
    for (const term of this.consents.keys()) if (term <= first.term) this.consents.delete(term);
    if (consents >= needed) return;
    throw new Error(
      `pre-vote: member ${this.id} campaigns for term ${first.term}, but only ${consents} of ${needed} have consented`,
    );
  }

  /** A question that is asked again may be answered as it was asked first. */
  private asked(context: Uint8Array): void {
    const { state, term } = this.node.status();
    if (term !== this.term) this.questions.clear();
    this.term = term;
    const key = Buffer.from(context).toString('hex');
    if (state === 'leader' && !this.questions.has(key)) this.questions.set(key, this.confirmations);
  }

  private answered(context: Uint8Array): void {
    const { state, term, progress } = this.node.status();
    const key = Buffer.from(context).toString('hex');
    const since = this.questions.get(key);
    if (since === undefined || state !== 'leader' || term !== this.term) return;
    this.questions.delete(key);
    const voters = [...progress].flatMap(([id, { isLearner }]) => (isLearner ? [] : [id]));
    const confirming = voters.filter((id) => id === this.id || (this.confirmed.get(id) ?? 0) > since);
    if (confirming.length > voters.length / 2) return;
    throw new Error(
      `read index: member ${this.id} answers a read, and only [${confirming}] of [${voters}] have confirmed it since`,
    );
  }

  private received({ type, from, term, reject, entries, context }: Message): void {
    this.heard.set(from, this.ticks);
    if (type === MessageType.MsgReadIndex) this.asked(entries[0]?.Data ?? new Uint8Array());
    if (type === MessageType.MsgHeartbeatResp && context !== undefined) {
      this.confirmations++;
      this.confirmed.set(from, this.confirmations);
    }
    if (type !== MessageType.MsgPreVoteResp || reject) return;
    const consents = this.consents.get(term) ?? new Set();
    this.consents.set(term, consents.add(from));
  }

  /** @throws Error for a leader that has heard from no quorum for two rounds of its check */
  private ticked(): void {
    this.ticks++;
    const { state, progress, leadTransferee } = this.node.status();
    const voters = [...progress].flatMap(([id, { isLearner }]) => (isLearner ? [] : [id]));
    // A transfer begins the period anew in which a quorum must be heard from, as with upstream.
    const situation = `${voters} ${leadTransferee}`;
    if (state !== 'leader' || situation !== this.situation) {
      this.situation = situation;
      this.leadsSince = state === 'leader' ? this.ticks : undefined;
      return;
    }
    this.leadsSince ??= this.ticks;
    const since = this.ticks - 2 * this.electionTicks - 1;
    if (this.leadsSince > since) return;
    const active = voters.filter((id) => id === this.id || (this.heard.get(id) ?? 0) >= since);
    if (active.length > voters.length / 2) return;
    throw new Error(`check-quorum: member ${this.id} leads, and hears from [${active}] of [${voters}] only`);
  }
}
