/**
 * Linearizable reads without a log entry (thesis §6.4): the leader notes its commit index, makes sure by one round of
 * heartbeats that it still leads, and answers with that index.
 */
import { Entry, type Message, MessageType } from '../proto/gen/raft.ts';
import type { Core } from './core.ts';
import { ProposalDropped } from './errors.ts';
import { broadcastHeartbeat } from './heartbeat.ts';
import type { ConfirmedRead, WaitingRead } from './read-queue.ts';

/**
 * Takes up a read of this member, or forwards it to the leader.
 *
 * @throws ProposalDropped without a leader, or when too many reads wait
 */
export function requestRead(core: Core, context: Uint8Array): void {
  if (core.lead === 0n) throw new ProposalDropped('no leader to ask for a read index');
  if (core.state !== 'leader') {
    const entries = [Entry.create({ Data: context })];
    core.send({ type: MessageType.MsgReadIndex, to: core.lead, term: 0, entries });
  } else if (!takeRead(core, { context, from: core.id })) {
    throw new ProposalDropped('too many reads are waiting for a quorum');
  }
}

/** A member asks for a read index: answers it as leader, passes it on as follower. */
export function handleReadIndex(core: Core, message: Message): void {
  const context = message.entries[0]?.Data;
  if (context === undefined || context.length === 0 || message.entries.length !== 1) {
    core.trace('warn', 'ignored a read request without one context', { from: message.from });
  } else if (core.state === 'leader') {
    const taken = takeRead(core, { context, from: message.from });
    if (!taken) core.trace('warn', 'refused a read: too many are waiting', { from: message.from });
  } else if (core.lead !== 0n && message.from !== core.lead) {
    core.send({ ...message, to: core.lead, term: 0 });
  }
}

/** The leader's answer to a read of this member. */
export function handleReadIndexResponse(core: Core, message: Message): void {
  const context = message.entries[0]?.Data;
  if (context === undefined || message.entries.length !== 1) {
    core.trace('warn', 'ignored a read index without one context', { from: message.from });
    return;
  }
  core.readStates.push({ index: message.index, context });
}

/** A member has confirmed the leader for that context. */
export function confirmReads(core: Core, from: bigint, context: Uint8Array): void {
  const acknowledged = core.reads.acknowledge(context, from);
  if (acknowledged === undefined || !core.tracker.hasQuorum(acknowledged)) return;
  for (const read of core.reads.takeThrough(context)) answer(core, read);
}

/** The leader has committed in its term, and so knows all that was committed before: postponed reads can begin. */
export function releasePostponedReads(core: Core): void {
  for (const read of core.reads.takePostponed()) takeRead(core, read);
}

function takeRead(core: Core, read: WaitingRead): boolean {
  if (core.reads.isFull()) return false;
  const { log } = core;
  if (!log.matches(log.committed, core.term)) {
    core.reads.postpone(read);
  } else if (core.tracker.isOnlyVoter(core.id)) {
    answer(core, { ...read, index: log.committed });
  } else {
    core.reads.add(read, log.committed, core.id);
    broadcastHeartbeat(core);
  }
  return true;
}

function answer(core: Core, { index, context, from }: ConfirmedRead): void {
  if (from === core.id) core.readStates.push({ index, context });
  else core.send({ type: MessageType.MsgReadIndexResp, to: from, index, entries: [Entry.create({ Data: context })] });
}
