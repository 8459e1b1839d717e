/** What a follower does with the leader's messages (Raft paper §5.3, §7). */
import { type Message, MessageType } from '../proto/gen/raft.ts';
import { configurationOf } from './conf-change.ts';
import type { Core } from './core.ts';

export function handleAppend(core: Core, message: Message): void {
  const { log } = core;
  const { from: to, index, logTerm, entries } = message;
  if (index < log.committed) {
    // An old message. What is committed matches without looking.
    core.send({ type: MessageType.MsgAppResp, to, index: log.committed });
    return;
  }
  const matched = log.appendBehind(index, logTerm, entries);
  if (matched !== undefined) {
    log.commitTo(Math.min(message.commit, matched));
    core.send({ type: MessageType.MsgAppResp, to, index: matched });
    return;
  }
  const rejectHint = log.lastIndexWithTermAtMost(Math.min(index, log.lastIndex), logTerm);
  const hintTerm = log.term(rejectHint) ?? 0;
  core.send({ type: MessageType.MsgAppResp, to, index, reject: true, rejectHint, logTerm: hintTerm });
}

export function handleHeartbeat(core: Core, message: Message): void {
  core.log.commitTo(message.commit);
  core.send({ type: MessageType.MsgHeartbeatResp, to: message.from, context: message.context });
}

export function handleSnapshot(core: Core, message: Message): void {
  const restored = restore(core, message);
  const index = restored ? core.log.lastIndex : core.log.committed;
  core.send({ type: MessageType.MsgAppResp, to: message.from, index });
}

/** @returns whether the snapshot has replaced the log */
function restore(core: Core, { snapshot, from }: Message): boolean {
  if (snapshot === undefined || snapshot.metadata.index <= core.log.committed) return false;
  const { index, term, conf_state } = snapshot.metadata;
  const configuration = configurationOf(conf_state);
  if (!configuration.voters.has(core.id) && !configuration.learners.has(core.id)) {
    core.trace('warn', 'ignored a snapshot of a configuration without this member', { from, index });
    return false;
  }
  if (core.log.matches(index, term)) {
    // The log has it all; the snapshot only tells how much is committed.
    core.log.commitTo(index);
    return false;
  }
  core.log.restore(snapshot);
  core.tracker.configure(configuration, index + 1);
  core.trace('info', 'restoring snapshot', { from, index, term });
  return true;
}
