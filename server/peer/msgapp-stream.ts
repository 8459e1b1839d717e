/**
 * The stream `msgapp` (upstream: msgappv2). While a leader appends one entry after the other, both ends know what the
 * next MsgApp is going to say, so that only its entries and the commit index are sent (contract: disk-and-peer §8.3).
 */
import { Entry, Message, MessageType, writeEntry } from '../proto/gen/raft.ts';
import { encodeWith } from '../proto/wire.ts';
import {
  type ChunkBuilder,
  copyLimitBytes,
  decodeFrame,
  FrameError,
  type FrameParser,
  frameLength,
  maxFrameBytes,
} from './frames.ts';
import { decodeMessage } from './message-stream.ts';

const frameHeartbeat = 0;
const frameAppEntries = 1;
const frameMsgApp = 2;

/** Field 4, bytes. */
const entryDataTag = 0x22;

/** Where the log ends on the receiving side, as far as this stream has told. */
interface LogEnd {
  term: number;
  index: number;
}

function after(message: Message): LogEnd {
  return { term: message.term, index: message.entries.at(-1)?.Index ?? message.index };
}

export class MsgAppEncoder {
  private end: LogEnd = { term: 0, index: 0 };

  encode(message: Message, out: ChunkBuilder): void {
    const { term, index } = this.end;
    if (message.index === index && message.logTerm === term && message.term === term) {
      out.uint8(frameAppEntries);
      out.uint64(message.entries.length);
      for (const entry of message.entries) writeEntryFrame(entry, out);
      out.uint64(message.commit);
      this.end = { term, index: index + message.entries.length };
      return;
    }
    const bytes = Message.encode(message);
    out.uint8(frameMsgApp);
    out.uint64(bytes.length);
    out.bytes(bytes);
    this.end = after(message);
  }

  heartbeat(out: ChunkBuilder): void {
    out.uint8(frameHeartbeat);
  }
}

/** The data is the last field of an entry, so that it can follow on the others without being encoded. */
function writeEntryFrame(entry: Entry, out: ChunkBuilder): void {
  const data = entry.Data;
  if (data === undefined || data.length <= copyLimitBytes) {
    const bytes = Entry.encode(entry);
    out.uint64(bytes.length);
    out.bytes(bytes);
    return;
  }
  const head = encodeWith((writer) => {
    writeEntry(writer, { ...entry, Data: undefined });
    writer.uint32(entryDataTag);
    writer.uint32(data.length);
  });
  out.uint64(head.length + data.length);
  out.bytes(head);
  out.bytes(data);
}

export function* parseMsgApps(from: bigint, to: bigint, emit: (message: Message) => void): FrameParser {
  let end: LogEnd = { term: 0, index: 0 };
  for (;;) {
    const kind = (yield 1)[0] as number;
    if (kind === frameAppEntries) {
      const entries = yield* parseEntries(end);
      const commit = counter(yield 8, 'commit index');
      const { term, index } = end;
      end = { term, index: index + entries.length };
      emit(Message.create({ type: MessageType.MsgApp, from, to, term, logTerm: term, index, entries, commit }));
    } else if (kind === frameMsgApp) {
      const message = decodeMessage(yield frameLength(yield 8));
      if (message.type !== MessageType.MsgApp) {
        throw new FrameError(`message of type ${message.type} on a stream that is for MsgApp (${MessageType.MsgApp})`);
      }
      end = after(message);
      emit(message);
    } else if (kind !== frameHeartbeat) {
      throw new FrameError(`unknown frame type ${kind} on a msgapp stream`);
    }
  }
}

function* parseEntries(end: LogEnd): Generator<number, Entry[], Buffer> {
  const count = counter(yield 8, 'number of entries');
  const entries: Entry[] = [];
  let totalBytes = 0;
  for (let i = 0; i < count; i++) {
    const size = frameLength(yield 8);
    totalBytes += size + 8;
    if (totalBytes > maxFrameBytes) throw new FrameError(`more than ${maxFrameBytes} bytes of entries in one frame`);
    const entry = decodeFrame('raft entry', Entry, yield size);
    if (entry.Index !== end.index + 1 + i) {
      throw new FrameError(`entry ${entry.Index} where entry ${end.index + 1 + i} was to come`);
    }
    entries.push(entry);
  }
  return entries;
}

function counter(bytes: Buffer, what: string): number {
  const value = bytes.readBigUInt64BE();
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new FrameError(`${what} ${value} is beyond 2^53`);
  return Number(value);
}
