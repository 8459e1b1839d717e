/** From frames to WatchResponses, put together from parts that are encoded once and sent to many. */
import type { WatchFrame } from '../mvcc/watch/mod.ts';
import { type ResponseHeader, writeResponseHeader, writeWatchResponse } from '../proto/gen/rpc.ts';
import { encodeWith } from '../proto/wire.ts';

const headerFieldTag = (1 << 3) | 2;

/** A header's length and those of the short fields beside it, generously. */
const overheadBytes = 128;

/**
 * Encodes frames. The header of many frames in a row is the same, and so are the bytes of events that many watch.
 *
 * @param header ids and term of now
 * @param fragmentBytes messages from this size on are sent in pieces if their watch allows
 */
export class WatchMessages {
  private readonly header: () => ResponseHeader;
  private readonly fragmentBytes: number;
  private revision = -1;
  private term = -1;
  private encodedHeader: Uint8Array = new Uint8Array(0);

  constructor(header: () => ResponseHeader, fragmentBytes: number) {
    this.header = header;
    this.fragmentBytes = fragmentBytes;
  }

  /** @returns the message, or its fragments */
  encode(frame: WatchFrame): Uint8Array[] {
    const header = this.headerField(frame.revision);
    const { events } = frame;
    if (!frame.mayFragment || events.length < 2) return [join(header, fields(frame, false), events, 0, events.length)];
    const messages: Uint8Array[] = [];
    for (let from = 0; from < events.length; ) {
      const to = this.fragmentEnd(header.length, events, from);
      messages.push(join(header, fields(frame, to < events.length), events, from, to));
      from = to;
    }
    return messages;
  }

  /** As many events as stay below the limit, and one at least (contract: api.md §2.5, "fragment"). */
  private fragmentEnd(headerBytes: number, events: readonly Uint8Array[], from: number): number {
    let bytes = headerBytes + overheadBytes;
    let to = from;
    while (to < events.length) {
      bytes += (events[to] as Uint8Array).length;
      if (bytes >= this.fragmentBytes && to > from) break;
      to++;
    }
    return to;
  }

  private headerField(revision: number): Uint8Array {
    const header = this.header();
    if (revision !== this.revision || header.raft_term !== this.term) {
      this.encodedHeader = encodeWith((writer) => {
        writer.uint32(headerFieldTag);
        const start = writer.open();
        writeResponseHeader(writer, { ...header, revision });
        writer.close(start);
      });
      this.revision = revision;
      this.term = header.raft_term;
    }
    return this.encodedHeader;
  }
}

/** Everything of the message between its header and its events. */
function fields(frame: WatchFrame, fragment: boolean): Uint8Array {
  return encodeWith((writer) =>
    writeWatchResponse(writer, {
      ...{ watch_id: frame.watchId, created: frame.created, canceled: frame.canceled },
      ...{ compact_revision: frame.compactRevision, cancel_reason: frame.cancelReason, fragment, events: [] },
    }),
  );
}

function join(
  header: Uint8Array,
  rest: Uint8Array,
  events: readonly Uint8Array[],
  from: number,
  to: number,
): Uint8Array {
  let length = header.length + rest.length;
  for (let i = from; i < to; i++) length += (events[i] as Uint8Array).length;
  const message = Buffer.allocUnsafe(length);
  message.set(header, 0);
  message.set(rest, header.length);
  let at = header.length + rest.length;
  for (let i = from; i < to; i++) {
    const event = events[i] as Uint8Array;
    message.set(event, at);
    at += event.length;
  }
  return message;
}
