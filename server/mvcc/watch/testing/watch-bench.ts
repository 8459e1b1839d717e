/** A store, its hub and clients in one thread: nothing happens unless the test lets it. */
import { Event_EventType } from '../../../proto/gen/kv.ts';
import { WatchResponse } from '../../../proto/gen/rpc.ts';
import type { MvccStore } from '../../store.ts';
import { b, open } from '../../testing/drive.ts';
import { type WatchFrame, WatchHub, type WatchHubOptions, type WatchSpec, type WatchStream } from '../mod.ts';

export class WatchBench {
  store: MvccStore;
  readonly hub: WatchHub;
  private readonly steps: (() => void)[] = [];

  constructor(limits: WatchHubOptions['limits'] = {}) {
    this.store = this.newStore();
    this.hub = new WatchHub(this.store, { defer: (step) => this.steps.push(step), limits });
  }

  /** An empty store whose changes the hub hears of once it has been given it. */
  newStore(): MvccStore {
    return open(undefined, { onChange: (revision, events) => this.hub.changed(revision, events) });
  }

  /** Runs one deferred step. @returns whether there was one */
  step(): boolean {
    const step = this.steps.shift();
    step?.();
    return step !== undefined;
  }

  /** Runs deferred steps until there are none. */
  settle(): void {
    while (this.step());
  }

  client(): TestClient {
    return new TestClient(this);
  }

  /** All changes in one transaction: `key=value` puts, `-key` deletes, `-key..end` deletes a range. */
  write(...changes: string[]): number {
    const txn = this.store.beginWrite();
    for (const change of changes) {
      const [key = '', value] = change.split('=');
      const [start = '', end = ''] = key.slice(1).split('..');
      if (value === undefined) txn.deleteRange(b(start), b(end));
      else txn.put(b(key), b(value), 0n);
    }
    return txn.end();
  }
}

/** A frame in words: `PUT key=value@revision`, `DELETE key@revision`, with ` was value@revision` behind. */
export interface PlainFrame {
  readonly id: number;
  readonly revision: number;
  readonly events?: string[];
  readonly created?: true;
  readonly canceled?: true;
  readonly compacted?: number;
  readonly reason?: string;
}

/** Revisions 2 to 5: a=1, b=1, a=2, b deleted. */
export function benchWithHistory(): WatchBench {
  const bench = new WatchBench();
  for (const change of ['a=1', 'b=1', 'a=2', '-b']) bench.write(change);
  return bench;
}

export class TestClient {
  readonly stream: WatchStream;
  /** How often the client was told that there is something to take. */
  wakeUps = 0;
  isEnded = false;
  private readonly bench: WatchBench;

  constructor(bench: WatchBench) {
    this.bench = bench;
    this.stream = bench.hub.open({
      onFrames: () => this.wakeUps++,
      onEnd: () => {
        this.isEnded = true;
      },
    });
  }

  watch(key: string, end = '', wanted: Partial<WatchSpec> & { id?: number } = {}): void {
    const { id = 0, ...spec } = wanted;
    this.stream.create(BigInt(id), {
      ...{ key: b(key), end: b(end), startRevision: 0, puts: true, deletes: true },
      ...{ previous: false, progress: false, fragments: false },
      ...spec,
    });
  }

  /** Takes what waits, at most so many frames. */
  take(atMost = Number.POSITIVE_INFINITY): PlainFrame[] {
    const frames: PlainFrame[] = [];
    while (frames.length < atMost) {
      const frame = this.stream.take();
      if (frame === undefined) break;
      frames.push(plain(frame));
    }
    return frames;
  }

  /** Takes until nothing comes any more, letting the hub catch up. */
  drain(): PlainFrame[] {
    const frames: PlainFrame[] = [];
    for (;;) {
      this.bench.settle();
      const more = this.take();
      if (more.length === 0) return frames;
      frames.push(...more);
    }
  }

  /** The events of all that comes, for all watches in one list. */
  drainEvents(): string[] {
    return this.drain().flatMap(({ events = [] }) => events);
  }
}

export function plain(frame: WatchFrame): PlainFrame {
  const { events } = WatchResponse.decode(Buffer.concat(frame.events));
  return {
    id: Number(frame.watchId),
    revision: frame.revision,
    ...(events.length > 0 && { events: events.map(eventText) }),
    ...(frame.created && { created: true }),
    ...(frame.canceled && { canceled: true }),
    ...(frame.compactRevision !== 0 && { compacted: frame.compactRevision }),
    ...(frame.cancelReason !== '' && { reason: frame.cancelReason }),
  };
}

export function eventText({ type, kv, prev_kv }: WatchResponse['events'][number]): string {
  const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('latin1');
  const was = prev_kv === undefined ? '' : ` was ${text(prev_kv.value)}@${prev_kv.mod_revision}`;
  if (type === Event_EventType.DELETE) return `DELETE ${text(kv?.key)}@${kv?.mod_revision}${was}`;
  return `PUT ${text(kv?.key)}=${text(kv?.value)}@${kv?.mod_revision}${was}`;
}
