/** The two kinds of streams between members, and what their bytes mean (contract: disk-and-peer §8.2, §8.3). */
import type { Message } from '../proto/gen/raft.ts';
import type { ChunkBuilder, FrameParser } from './frames.ts';
import { MessageEncoder, parseMessages } from './message-stream.ts';
import { MsgAppEncoder, parseMsgApps } from './msgapp-stream.ts';

/** `msgapp` carries the leader's log entries, in a shorter form; `message` carries everything else. */
export type StreamKind = 'message' | 'msgapp';
export const streamKinds: readonly StreamKind[] = ['message', 'msgapp'];

/** Encodes the messages of one stream; keeps what the two ends have agreed on so far. */
export interface StreamEncoder {
  encode(message: Message, out: ChunkBuilder): void;
  heartbeat(out: ChunkBuilder): void;
}

export function newEncoder(kind: StreamKind): StreamEncoder {
  return kind === 'msgapp' ? new MsgAppEncoder() : new MessageEncoder();
}

/**
 * @param from the member that sends
 * @param to the member that receives
 * @param emit gets each message; heartbeats of the stream are swallowed
 */
export function newParser(kind: StreamKind, from: bigint, to: bigint, emit: (message: Message) => void): FrameParser {
  return kind === 'msgapp' ? parseMsgApps(from, to, emit) : parseMessages(emit);
}
