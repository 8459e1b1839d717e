import { type Event, Event_EventType, writeEvent } from '../../proto/gen/kv.ts';
import { encodeWith } from '../../proto/wire.ts';
import type { ReadView } from '../read.ts';

const eventsFieldTag = (11 << 3) | 2;
const thatKeyAlone = new Uint8Array(0);

/** One event on its way to any number of watches: encoded once, and only if somebody wants it. */
export class SharedEvent {
  readonly isPut: boolean;
  private readonly event: Event;
  private readonly store: ReadView;
  private plain: Uint8Array | undefined;
  private withPrevious: Uint8Array | undefined;

  /** @param event may hold views; they are not kept beyond this object */
  constructor(event: Event, store: ReadView) {
    this.event = event;
    this.store = store;
    this.isPut = event.type === Event_EventType.PUT;
  }

  /** The event as field `events` of WatchResponse; with the pair before it, as far as there is one. */
  encoded(withPrevious: boolean): Uint8Array {
    if (!withPrevious) {
      this.plain ??= encode(this.event);
      return this.plain;
    }
    this.withPrevious ??= this.encodeWithPrevious();
    return this.withPrevious;
  }

  private encodeWithPrevious(): Uint8Array {
    const { kv } = this.event;
    if (kv === undefined || kv.create_revision === kv.mod_revision) return this.encoded(false);
    const revision = kv.mod_revision - 1;
    // Compacted away meanwhile: an event without its past is better than none (api.md §8, trap 18).
    if (revision < this.store.compactRevision) return this.encoded(false);
    const prev_kv = this.store.range(kv.key, thatKeyAlone, { revision }).kvs[0];
    return prev_kv === undefined ? this.encoded(false) : encode({ ...this.event, prev_kv });
  }
}

function encode(event: Event): Uint8Array {
  return encodeWith((writer) => {
    writer.uint32(eventsFieldTag);
    const start = writer.open();
    writeEvent(writer, event);
    writer.close(start);
  });
}
