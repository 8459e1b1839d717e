/**
 * What pre-vote and check-quorum promise (thesis §9.6, §6.2): nobody begins a term without having asked first, and a
 * leader that hears from no quorum steps down. Neither is a matter of safety, so nothing else would notice.
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
  /** Who has consented to a candidacy, by the term that it is for. */
  private readonly consents = new Map<number, Set<bigint>>();

  constructor(id: bigint, node: RawNode, electionTicks: number, preVote: boolean) {
    this.id = id;
    this.node = node;
    this.electionTicks = electionTicks;
    this.preVote = preVote;
    const { tick, step } = node;
    node.tick = () => {
      tick.call(node);
      this.ticked();
    };
    node.step = (message) => {
      this.received(message);
      step.call(node, message);
    };
  }

  /** To be called with each Ready. @throws Error for a candidacy that nobody has consented to */
  offered({ messagesAfterPersist }: Ready): void {
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

  private received({ type, from, term, reject }: Message): void {
    this.heard.set(from, this.ticks);
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
