/** The stream `message`: eight bytes of length, big endian, and a Message (contract: disk-and-peer §8.2). */
import { Message, MessageType } from '../proto/gen/raft.ts';
import { type ChunkBuilder, decodeFrame, type FrameParser, frameLength } from './frames.ts';

/** A MsgHeartbeat from nobody to nobody says that the connection is alive, and nothing else. */
const linkHeartbeat = Message.encode(Message.create({ type: MessageType.MsgHeartbeat }));

export class MessageEncoder {
  encode(message: Message, out: ChunkBuilder): void {
    writeFrame(Message.encode(message), out);
  }

  heartbeat(out: ChunkBuilder): void {
    writeFrame(linkHeartbeat, out);
  }
}

function writeFrame(bytes: Uint8Array, out: ChunkBuilder): void {
  out.uint64(bytes.length);
  out.bytes(bytes);
}

export function* parseMessages(emit: (message: Message) => void): FrameParser {
  for (;;) {
    const message = decodeMessage(yield frameLength(yield 8));
    if (!isLinkHeartbeat(message)) emit(message);
  }
}

function isLinkHeartbeat(message: Message): boolean {
  return message.type === MessageType.MsgHeartbeat && message.from === 0n && message.to === 0n;
}

/**
 * Decodes a Message as it came over the network. Upstream 3.5 puts an empty snapshot into every message, which means
 * that there is none.
 *
 * @throws FrameError when the bytes are no Message
 */
export function decodeMessage(bytes: Buffer): Message {
  const message = decodeFrame('raft message', Message, bytes);
  if (message.snapshot?.metadata.index === 0) message.snapshot = undefined;
  return message;
}
