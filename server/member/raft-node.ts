/** Raft as a member runs it: upstream's settings, and bounds for what upstream leaves unbounded. */
import type { Logger } from '../base/logger.ts';
import { type InitialState, RawNode } from '../raft/mod.ts';
import type { MemberConfig, RaftLimits } from './config.ts';

const limits: Required<RaftLimits> = {
  // Upstream's.
  maxSizePerMessageBytes: 1024 * 1024,
  maxInflightMessages: 512,
  maxCommittedBytesPerReady: 1024 * 1024,
  // As much as the queue of a peer's stream takes.
  maxInflightBytes: 64 * 1024 * 1024,
  // What a leader holds of requests that no majority has made durable, or that it has not applied.
  maxUnappliedBytes: 128 * 1024 * 1024,
};

type RaftSettings = Pick<MemberConfig, 'electionMs' | 'heartbeatMs' | 'preVote' | 'raftLimits'>;

export function openRaftNode(id: bigint, initial: InitialState, config: RaftSettings, log: Logger): RawNode {
  const settings = {
    id,
    electionTicks: electionTicks(config),
    heartbeatTicks: 1,
    ...limits,
    ...config.raftLimits,
    checkQuorum: true,
    preVote: config.preVote,
    random: Math.random,
    log: (level: 'debug' | 'info' | 'warn', message: string, fields: Record<string, unknown>) =>
      log[level](message, fields),
  };
  return new RawNode(settings, initial);
}

/** An election timeout in heartbeats, which are raft's ticks. */
export function electionTicks({ electionMs, heartbeatMs }: Pick<MemberConfig, 'electionMs' | 'heartbeatMs'>): number {
  return Math.round(electionMs / heartbeatMs);
}
