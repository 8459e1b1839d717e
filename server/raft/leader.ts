/** A leader's work: replicating its log and committing it (Raft paper §5.3, §5.4), and handing leadership over. */
import { type Entry, EntryType, type Message, MessageType } from '../proto/gen/raft.ts';
import { isConfChange, takesVoter } from './conf-change.ts';
import type { Core } from './core.ts';
import { ProposalDropped, TooManyUnapplied } from './errors.ts';
import { totalBytes } from './log.ts';
import type { Progress } from './progress.ts';
import { confirmReads, releasePostponedReads } from './reads.ts';

/** Takes office: a leader begins with an empty entry, by which everything before it gets committed (§8). */
export function becomeLeader(core: Core): void {
  core.reset(core.term);
  core.state = 'leader';
  core.lead = core.id;
  const own = core.tracker.progress.get(core.id);
  own?.becomeReplicate();
  own?.acknowledge(core.log.stable);
  // There may be a change among the entries taken over; until all are applied it is not known.
  core.pendingConfIndex = core.log.lastIndex;
  for (const entry of core.log.unapplied()) notePairsEnd(core, entry);
  core.trace('info', 'became leader', { term: core.term, lastIndex: core.log.lastIndex });
  appendOwn(core, [{ Type: EntryType.EntryNormal }]);
}

/**
 * Appends proposals to the log.
 *
 * While one of two voters is being removed, nothing may follow: the removed one could be left with a longer log than
 * the other, which would for ever ask in vain for the vote that it believes to need.
 *
 * @throws ProposalDropped when this leader was removed, is handing over, or one of two voters is being removed
 * @throws TooManyUnapplied when the log holds too much that is not applied
 */
export function proposeAsLeader(core: Core, proposals: readonly Pick<Entry, 'Type' | 'Data'>[]): void {
  if (!core.tracker.isVoter(core.id)) throw new ProposalDropped('this member is no voter any more');
  if (core.leadTransferee !== 0n) throw new ProposalDropped('leadership is being transferred');
  if (core.pairEndsAt > core.log.applied) throw new ProposalDropped('one of two voters is being removed');
  const { maxUnappliedBytes = Number.POSITIVE_INFINITY } = core.config;
  const { unappliedBytes } = core.log;
  const addedBytes = totalBytes(proposals);
  if (unappliedBytes > 0 && unappliedBytes + addedBytes > maxUnappliedBytes) throw new TooManyUnapplied(unappliedBytes);
  appendOwn(core, proposals);
}

function appendOwn(core: Core, proposals: readonly Pick<Entry, 'Type' | 'Data'>[]): void {
  let index = core.log.lastIndex;
  const entries: Entry[] = [];
  for (const { Type, Data } of proposals) {
    index++;
    let entry: Entry = { Type, Term: core.term, Index: index, Data };
    if (isConfChange(entry)) {
      if (core.pendingConfIndex > core.log.applied) {
        core.trace('warn', 'configuration change ignored: an earlier one may not be applied yet', { index });
        entry = { Type: EntryType.EntryNormal, Term: core.term, Index: index };
      } else {
        core.pendingConfIndex = index;
        notePairsEnd(core, entry);
      }
    }
    entries.push(entry);
  }
  core.log.append(entries);
  broadcastAppend(core);
}

function notePairsEnd(core: Core, entry: Entry): void {
  const { configuration } = core.tracker;
  if (configuration.voters.size === 2 && isConfChange(entry) && takesVoter(configuration, entry)) {
    core.pairEndsAt = entry.Index;
  }
}

/** Makes every peer due a MsgApp. They are built with the next Ready: proposals of one turn travel together. */
export function broadcastAppend(core: Core): void {
  for (const id of core.tracker.progress.keys()) markAppendDue(core, id, true);
}

export function markAppendDue(core: Core, id: bigint, evenIfEmpty: boolean): void {
  const progress = core.tracker.progress.get(id);
  if (id === core.id || progress === undefined || progress.isPaused()) return;
  core.appendDue.set(id, evenIfEmpty || core.appendDue.get(id) === true);
}

/** Builds the MsgApps and MsgSnaps that are due. */
export function flushAppends(core: Core): void {
  for (const [id, evenIfEmpty] of core.appendDue) {
    let more = sendAppend(core, id, evenIfEmpty);
    while (more) more = sendAppend(core, id, false);
  }
  core.appendDue.clear();
}

/** @returns whether something was sent */
function sendAppend(core: Core, to: bigint, evenIfEmpty: boolean): boolean {
  const { log, config } = core;
  const progress = core.tracker.progress.get(to);
  if (progress === undefined || progress.isPaused()) return false;
  const previousTerm = log.term(progress.next - 1);
  if (previousTerm === undefined) return sendSnapshot(core, to, progress);
  const entries = log.slice(progress.next, log.lastIndex + 1, config.maxSizePerMessageBytes);
  if (entries.length === 0 && !evenIfEmpty) return false;
  const index = progress.next - 1;
  core.send({ type: MessageType.MsgApp, to, index, logTerm: previousTerm, entries, commit: log.committed });
  if (entries.length > 0) progress.sent(index + entries.length, totalBytes(entries));
  return true;
}

function sendSnapshot(core: Core, to: bigint, progress: Progress): boolean {
  const { snapshot, firstIndex } = core.log;
  const { index } = snapshot.metadata;
  // A silent peer would not get it, and one that ends before the log begins would not help.
  if (!progress.recentActive || index === 0 || index + 1 < firstIndex) return false;
  core.trace('info', 'sending snapshot', { to, index, firstIndex });
  core.send({ type: MessageType.MsgSnap, to, snapshot });
  progress.becomeSnapshot(index);
  return true;
}

/** Counts the leader's own copy, which by now is durable up to `log.stable`. */
export function acknowledgeOwn(core: Core): void {
  if (core.tracker.progress.get(core.id)?.acknowledge(core.log.stable) === true) advanceCommit(core);
}

/** Commits what a majority holds. @returns whether that is news */
export function advanceCommit(core: Core): boolean {
  if (!core.log.commitInTerm(core.tracker.committed(), core.term)) return false;
  releasePostponedReads(core);
  broadcastAppend(core);
  return true;
}

export function handleAppendResponse(core: Core, message: Message, progress: Progress): void {
  progress.recentActive = true;
  if (message.index > core.log.lastIndex) {
    core.trace('warn', 'ignored an answer about entries that do not exist', {
      from: message.from,
      index: message.index,
    });
    return;
  }
  if (message.reject) {
    const { rejectHint, logTerm } = message;
    const hint = logTerm > 0 ? core.log.lastIndexWithTermAtMost(rejectHint, logTerm) : rejectHint;
    if (progress.refuse(message.index, hint)) {
      if (progress.state === 'replicate') progress.becomeProbe();
      markAppendDue(core, message.from, true);
    }
    return;
  }
  const wasPaused = progress.isPaused();
  const isNews = progress.acknowledge(message.index);
  // An answer that tells nothing new still ends probing, if it is one to a probe right behind what is known to match.
  const endsProbe =
    progress.state === 'probe' && progress.match === message.index && progress.next === message.index + 1;
  if (!isNews && !endsProbe) return;
  if (progress.state === 'replicate') progress.inflights.freeUpTo(message.index);
  else if (progress.state === 'probe' || progress.match + 1 >= core.log.firstIndex) progress.becomeReplicate();
  if (!advanceCommit(core)) markAppendDue(core, message.from, wasPaused);
  if (message.from === core.leadTransferee && progress.match === core.log.lastIndex) sendTimeoutNow(core, message.from);
}

export function handleHeartbeatResponse(core: Core, message: Message, progress: Progress): void {
  progress.recentActive = true;
  progress.probeSent = false;
  // The answers to everything under way may have been lost: one more message keeps the peer from being stuck.
  if (progress.state === 'replicate' && progress.inflights.isFull()) progress.inflights.freeFirst();
  if (progress.match < core.log.lastIndex || progress.state === 'probe') markAppendDue(core, message.from, true);
  if (message.context !== undefined && message.context.length > 0) confirmReads(core, message.from, message.context);
}

/** A snapshot has reached the peer or has failed. Either way the next probe waits for the peer's next answer. */
export function handleSnapshotStatus(core: Core, from: bigint, ok: boolean): void {
  const progress = core.tracker.progress.get(from);
  if (progress?.state !== 'snapshot') return;
  if (!ok) progress.pendingSnapshot = 0;
  progress.becomeProbe();
  progress.probeSent = true;
  core.trace(ok ? 'debug' : 'warn', ok ? 'snapshot delivered' : 'snapshot failed', { to: from });
}

/** Messages to the peer were lost: go back to finding out what it has, instead of streaming on. */
export function handleUnreachable(core: Core, id: bigint): void {
  const progress = core.tracker.progress.get(id);
  if (progress?.state === 'replicate') progress.becomeProbe();
}

/** Hands leadership to a voter as soon as its log is complete (thesis §3.10). */
export function transferTo(core: Core, to: bigint): void {
  const progress = core.tracker.progress.get(to);
  if (progress === undefined || progress.isLearner || to === core.id || to === core.leadTransferee) return;
  core.leadTransferee = to;
  // It has to happen within an election timeout; see tick().
  core.electionElapsed = 0;
  core.trace('info', 'transferring leadership', { to });
  if (progress.match === core.log.lastIndex) sendTimeoutNow(core, to);
  else markAppendDue(core, to, true);
}

/**
 * A leader that is no voter any more leads on until someone takes over: only it may know that its removal is committed,
 * and those who do not know may need it to elect another.
 */
export function handOver(core: Core): void {
  let successor = 0n;
  let best = -1;
  for (const id of core.tracker.configuration.voters) {
    const match = core.tracker.progress.get(id)?.match ?? 0;
    if (match > best) [successor, best] = [id, match];
  }
  core.leadTransferee = 0n;
  transferTo(core, successor);
}

function sendTimeoutNow(core: Core, to: bigint): void {
  core.send({ type: MessageType.MsgTimeoutNow, to });
}
