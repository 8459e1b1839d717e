import { MessageType } from '../proto/gen/raft.ts';
import type { Core } from './core.ts';

/** Tells everyone that the leader lives; the answers confirm reads up to the one known by `context`. */
export function broadcastHeartbeat(core: Core): void {
  const context = core.reads.newestContext();
  for (const [to, progress] of core.tracker.progress) {
    if (to === core.id) continue;
    // Not beyond what the peer is known to hold: the rest of its log may differ from the leader's.
    const commit = Math.min(progress.match, core.log.committed);
    core.send({ type: MessageType.MsgHeartbeat, to, commit, context });
  }
}
