/** Who acts on a message or a tick: first by term, then by role. */
import { type Entry, type Message, MessageType } from '../proto/gen/raft.ts';
import type { Core } from './core.ts';
import { campaign, campaignTransfer, handleVoteRequest, handleVoteResponse } from './election.ts';
import { ProposalDropped } from './errors.ts';
import { handleAppend, handleHeartbeat, handleSnapshot } from './follower.ts';
import { broadcastHeartbeat } from './heartbeat.ts';
import { handleAppendResponse, handleHeartbeatResponse, handOver, proposeAsLeader, transferTo } from './leader.ts';
import { handleReadIndex, handleReadIndexResponse } from './reads.ts';

/** One unit of time has passed. */
export function tick(core: Core): void {
  core.electionElapsed++;
  if (core.state === 'leader') tickLeader(core);
  else if (core.isPromotable() && core.electionElapsed >= core.electionTimeout) {
    core.electionElapsed = 0;
    campaign(core, 'timeout');
  }
}

function tickLeader(core: Core): void {
  const { config } = core;
  core.heartbeatElapsed++;
  if (core.electionElapsed >= config.electionTicks) {
    core.electionElapsed = 0;
    if (config.checkQuorum && !core.tracker.takeQuorumActive(core.id)) {
      core.trace('warn', 'stepping down: no quorum heard from for an election timeout', { term: core.term });
      core.becomeFollower(core.term, 0n);
      return;
    }
    // Whoever was to take over has not: go on leading, or try again.
    core.leadTransferee = 0n;
    if (!core.tracker.isVoter(core.id)) handOver(core);
  }
  if (core.heartbeatElapsed >= config.heartbeatTicks) {
    core.heartbeatElapsed = 0;
    broadcastHeartbeat(core);
  }
}

/** A message from another member. */
export function step(core: Core, message: Message): void {
  if (!isAcceptable(core, message)) return;
  if (message.term > core.term && !enterTerm(core, message)) return;
  if (message.term < core.term && message.term !== 0) answerOldTerm(core, message);
  else act(core, message);
}

/** Messages that no member sends are dropped before they can touch anything. */
function isAcceptable(core: Core, message: Message): boolean {
  const { type, from, term, index, entries } = message;
  switch (type) {
    case MessageType.MsgHup:
    case MessageType.MsgBeat:
    case MessageType.MsgUnreachable:
    case MessageType.MsgSnapStatus:
    case MessageType.MsgCheckQuorum:
      core.trace('warn', 'ignored a message that only a member itself may give', { type, from });
      return false;
    case MessageType.MsgProp:
      return entries.length > 0;
    case MessageType.MsgReadIndex:
      return true;
    case MessageType.MsgApp:
      if (entries.some((entry, i) => entry.Index !== index + 1 + i)) {
        core.trace('warn', 'ignored entries that do not follow each other', { from, index });
        return false;
      }
      break;
  }
  if (term === 0) core.trace('warn', 'ignored a message without a term', { type, from });
  return term !== 0;
}

/** A higher term has begun elsewhere. @returns false to ignore the message */
function enterTerm(core: Core, message: Message): boolean {
  const { type, term, from } = message;
  const isVoteRequest = type === MessageType.MsgVote || type === MessageType.MsgPreVote;
  const isForced = message.context !== undefined && campaignTransfer.compare(message.context) === 0;
  if (isVoteRequest && !isForced && hasLiveLeader(core)) {
    core.trace('debug', 'ignored a vote request: the leader lives', { from, term, lead: core.lead });
    return false;
  }
  // A pre-vote is about a term that nobody has entered yet, and so is the consent to it.
  if (type === MessageType.MsgPreVote || (type === MessageType.MsgPreVoteResp && !message.reject)) return true;
  core.becomeFollower(term, isFromLeader(type) ? from : 0n);
  return true;
}

/** Heard from within an election timeout (thesis §4.2.3: removed or cut-off members must not disturb the others). */
function hasLiveLeader(core: Core): boolean {
  return core.config.checkQuorum && core.lead !== 0n && core.electionElapsed < core.config.electionTicks;
}

function isFromLeader(type: MessageType): boolean {
  return type === MessageType.MsgApp || type === MessageType.MsgHeartbeat || type === MessageType.MsgSnap;
}

/** Most messages of an old term are simply late. The rest would be stuck without an answer. */
function answerOldTerm(core: Core, { type, from, term }: Message): void {
  const { checkQuorum, preVote } = core.config;
  if ((checkQuorum || preVote) && (type === MessageType.MsgApp || type === MessageType.MsgHeartbeat)) {
    // The leader's term is behind, and our vote requests may be ignored: tell it, so that it steps down.
    core.send({ type: MessageType.MsgAppResp, to: from });
  } else if (type === MessageType.MsgPreVote) {
    core.send({ type: MessageType.MsgPreVoteResp, to: from, reject: true });
  } else {
    core.trace('debug', 'ignored a message of an old term', { type, from, term });
  }
}

function act(core: Core, message: Message): void {
  switch (message.type) {
    case MessageType.MsgVote:
    case MessageType.MsgPreVote:
      handleVoteRequest(core, message);
      break;
    case MessageType.MsgVoteResp:
    case MessageType.MsgPreVoteResp:
      handleVoteResponse(core, message);
      break;
    case MessageType.MsgApp:
    case MessageType.MsgHeartbeat:
    case MessageType.MsgSnap:
      hearLeader(core, message);
      break;
    case MessageType.MsgAppResp:
    case MessageType.MsgHeartbeatResp:
      hearFollower(core, message);
      break;
    case MessageType.MsgProp:
      handleProposal(core, message);
      break;
    case MessageType.MsgReadIndex:
      handleReadIndex(core, message);
      break;
    case MessageType.MsgReadIndexResp:
      handleReadIndexResponse(core, message);
      break;
    case MessageType.MsgTransferLeader:
      requestTransfer(core, message.from);
      break;
    case MessageType.MsgTimeoutNow:
      if (core.state === 'follower') campaign(core, 'transfer');
      break;
  }
}

/** A leader of this very term speaks. */
function hearLeader(core: Core, message: Message): void {
  if (core.state === 'leader') {
    core.trace('warn', 'ignored a second leader of this term', { from: message.from, term: core.term });
    return;
  }
  if (core.state !== 'follower') core.becomeFollower(core.term, message.from);
  core.electionElapsed = 0;
  core.lead = message.from;
  if (message.type === MessageType.MsgApp) handleAppend(core, message);
  else if (message.type === MessageType.MsgHeartbeat) handleHeartbeat(core, message);
  else handleSnapshot(core, message);
}

function hearFollower(core: Core, message: Message): void {
  const progress = core.tracker.progress.get(message.from);
  if (core.state !== 'leader' || progress === undefined) return;
  if (message.type === MessageType.MsgAppResp) handleAppendResponse(core, message, progress);
  else handleHeartbeatResponse(core, message, progress);
}

/** A proposal that another member has forwarded. Nobody waits for an answer: it may only be repeated from there. */
function handleProposal(core: Core, message: Message): void {
  try {
    propose(core, message.entries);
  } catch (error) {
    if (!(error instanceof ProposalDropped)) throw error;
    core.trace('debug', 'dropped a forwarded proposal', { from: message.from, reason: error.message });
  }
}

/**
 * Appends proposals as leader, forwards them as follower.
 *
 * @throws ProposalDropped when neither is possible
 */
export function propose(core: Core, entries: readonly Pick<Entry, 'Type' | 'Data'>[]): void {
  if (core.state === 'leader') {
    proposeAsLeader(core, entries);
    return;
  }
  if (core.lead === 0n) throw new ProposalDropped('no leader');
  const forwarded = entries.map(({ Type, Data }) => ({ Type, Term: 0, Index: 0, Data }));
  core.send({ type: MessageType.MsgProp, to: core.lead, term: 0, entries: forwarded });
}

/** Asks the leader to hand over to `to`. */
export function requestTransfer(core: Core, to: bigint): void {
  if (core.state === 'leader') transferTo(core, to);
  else if (core.lead !== 0n) core.send({ type: MessageType.MsgTransferLeader, to: core.lead, from: to });
  else core.trace('info', 'no leader to ask for a transfer', { to });
}
