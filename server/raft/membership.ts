import type { ConfChange, ConfChangeV2, ConfState } from '../proto/gen/raft.ts';
import { changeConfiguration, confStateOf } from './conf-change.ts';
import type { Core } from './core.ts';
import { advanceCommit, handOver, markAppendDue } from './leader.ts';

/**
 * Puts a committed configuration change in force (thesis §4.2).
 *
 * @throws ConfChangeError when it cannot be applied; nothing has changed then
 */
export function applyConfChange(core: Core, change: ConfChange | ConfChangeV2): ConfState {
  const { tracker } = core;
  const before = tracker.configuration;
  const after = changeConfiguration(before, change);
  if (after === before) return confStateOf(before);
  // From the last entry on: what a new member lacks shows with its first answer.
  tracker.configure(after, Math.max(core.log.lastIndex, 1));
  if (core.state !== 'leader') return confStateOf(after);
  // With fewer voters less may be needed for a majority.
  if (!advanceCommit(core)) {
    for (const id of tracker.progress.keys()) markAppendDue(core, id, false);
  }
  if (!after.voters.has(core.id)) handOver(core);
  else if (core.leadTransferee !== 0n && !after.voters.has(core.leadTransferee)) core.leadTransferee = 0n;
  return confStateOf(after);
}
