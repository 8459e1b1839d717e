/** Elections (Raft paper §5.2, §5.4.1), with a trial vote first (pre-vote, thesis §9.6). */
import { type Message, MessageType } from '../proto/gen/raft.ts';
import { isConfChange } from './conf-change.ts';
import type { Core } from './core.ts';
import { becomeLeader } from './leader.ts';

/** The context of a MsgVote that may depose a live leader, because that leader asked for it. */
export const campaignTransfer: Buffer = Buffer.from('CampaignTransfer');

/** Stands for election, unless this member leads already, may not lead, or has a configuration change to catch up on. */
export function campaign(core: Core, kind: 'timeout' | 'transfer'): void {
  if (core.state === 'leader') return;
  if (!core.isPromotable()) {
    core.trace('warn', 'cannot campaign: not a voter, or waiting for a snapshot to be stored', { term: core.term });
    return;
  }
  if (hasUnappliedConfChange(core)) {
    core.trace('warn', 'cannot campaign: a committed configuration change is not applied yet', { term: core.term });
    return;
  }
  // The leader that hands over has vouched for this member: no trial vote.
  if (kind === 'timeout' && core.config.preVote) becomePreCandidate(core);
  else becomeCandidate(core, kind === 'transfer');
}

/** Elections are decided by the configuration in force, so it must not be outdated. */
function hasUnappliedConfChange(core: Core): boolean {
  const { log } = core;
  const from = Math.max(log.applied + 1, log.firstIndex);
  return log.slice(from, log.committed + 1, Number.POSITIVE_INFINITY).some(isConfChange);
}

/** Asks whether an election in the next term could be won. Changes neither term nor vote. */
function becomePreCandidate(core: Core): void {
  core.state = 'pre-candidate';
  core.lead = 0n;
  core.tracker.resetVotes();
  core.trace('info', 'became pre-candidate', { term: core.term });
  requestVotes(core, MessageType.MsgPreVote, core.term + 1, undefined);
  countVote(core, core.id, true);
}

/** The candidate's own vote counts when it is durable; see `countOwnVote`. */
function becomeCandidate(core: Core, isTransfer: boolean): void {
  core.reset(core.term + 1);
  core.vote = core.id;
  core.state = 'candidate';
  core.trace('info', 'became candidate', { term: core.term });
  requestVotes(core, MessageType.MsgVote, core.term, isTransfer ? campaignTransfer : undefined);
}

function requestVotes(core: Core, type: MessageType, term: number, context: Uint8Array | undefined): void {
  const { lastIndex: index, lastTerm: logTerm } = core.log;
  for (const [to, progress] of core.tracker.progress) {
    if (to === core.id || progress.isLearner) continue;
    core.send({ type, to, term, index, logTerm, context });
  }
}

/** This member's term and vote are durable: if it is a candidate by them, its own vote counts from now on. */
export function countOwnVote(core: Core, durableTerm: number, durableVote: bigint): void {
  if (core.state !== 'candidate' || durableTerm !== core.term || durableVote !== core.id) return;
  if (!core.tracker.hasVoted(core.id)) countVote(core, core.id, true);
}

export function handleVoteResponse(core: Core, { type, from, term, reject }: Message): void {
  if (type === MessageType.MsgVoteResp) {
    if (core.state === 'candidate') countVote(core, from, !reject);
    return;
  }
  // A late consent to an earlier trial, for the term that this member is in by now, says nothing about the next one.
  if (core.state === 'pre-candidate' && (reject || term === core.term + 1)) countVote(core, from, !reject);
}

/** Counts an answer and acts on the result. */
function countVote(core: Core, from: bigint, granted: boolean): void {
  core.tracker.recordVote(from, granted);
  switch (core.tracker.electionResult()) {
    case 'won':
      if (core.state === 'pre-candidate') becomeCandidate(core, false);
      else becomeLeader(core);
      break;
    case 'lost':
      core.becomeFollower(core.term, 0n);
      break;
    case 'pending':
  }
}

/**
 * Answers a request for a vote. Learners vote, too: one that was promoted may not know it yet, and only its vote can
 * then make a leader that tells it.
 */
export function handleVoteRequest(core: Core, message: Message): void {
  const isPreVote = message.type === MessageType.MsgPreVote;
  const type = isPreVote ? MessageType.MsgPreVoteResp : MessageType.MsgVoteResp;
  const canVote =
    core.vote === message.from || (core.vote === 0n && core.lead === 0n) || (isPreVote && message.term > core.term);
  if (!canVote || !core.log.isUpToDate(message.index, message.logTerm)) {
    core.trace('debug', 'refused a vote', { from: message.from, term: message.term });
    core.send({ type, to: message.from, reject: true });
    return;
  }
  // With the message's term: a pre-vote is granted for a term that this member has not entered.
  core.send({ type, to: message.from, term: message.term });
  if (isPreVote) return;
  core.electionElapsed = 0;
  core.vote = message.from;
}
