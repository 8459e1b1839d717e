/** A cache of objects as the API server of Kubernetes keeps one: a list at a revision, then a watch from there on. */
import type { EtcdClient } from '../../server/client/mod.ts';
import type { KeyValue } from '../../server/proto/gen/kv.ts';
import type { WatchResponse } from '../../server/proto/gen/rpc.ts';

const pageKeys = 20;
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

export class ObjectCache {
  /** Value and revision of each object. */
  readonly objects = new Map<string, { value: string; revision: number }>();
  /** What must never happen, in words. */
  readonly violations: string[] = [];
  /** Everything up to here has been seen. */
  revision = 0;
  events = 0;
  progressNotices = 0;
  interruptions = 0;
  private readonly client: EtcdClient;
  private readonly range: { key: Buffer; range_end: Buffer };
  private readonly stop = new AbortController();
  private following: Promise<void> | undefined;
  private requestProgress: () => void = () => {};

  constructor(client: EtcdClient, prefix: string) {
    this.client = client;
    const end = Buffer.from(prefix);
    end[end.length - 1] = (end[end.length - 1] as number) + 1;
    this.range = { key: Buffer.from(prefix), range_end: end };
  }

  /** Lists page by page as of one revision, and begins to watch. */
  async start(): Promise<void> {
    let { key } = this.range;
    for (;;) {
      const page = await this.client.range({
        ...{ key, range_end: this.range.range_end, limit: pageKeys, revision: this.revision },
      });
      if (this.revision === 0) this.revision = page.header?.revision ?? 0;
      for (const kv of page.kvs) this.objects.set(text(kv.key), { value: text(kv.value), revision: kv.mod_revision });
      const last = page.kvs.at(-1);
      if (!page.more || last === undefined) break;
      key = Buffer.concat([last.key, Buffer.of(0)]);
    }
    this.following = this.follow();
  }

  /** Asks how far the watch has come; the answer raises `revision`. */
  askProgress(): void {
    this.requestProgress();
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.following;
  }

  private async follow(): Promise<void> {
    const watch = this.client.resumingWatch(
      { ...this.range, start_revision: this.revision + 1, prev_kv: true, progress_notify: true },
      { signal: this.stop.signal, onInterrupted: () => this.interruptions++ },
    );
    this.requestProgress = () => watch.requestProgress();
    try {
      for await (const response of watch) this.take(response);
    } catch (error) {
      if (!this.stop.signal.aborted) this.violations.push(`the watch ended: ${(error as Error).message}`);
    }
  }

  private take({ header, events, canceled, created, compact_revision }: WatchResponse): void {
    if (canceled) this.violations.push(`the watch was cancelled, compacted at ${compact_revision}`);
    if (created) return;
    if (events.length === 0) {
      this.progressNotices++;
      this.revision = Math.max(this.revision, header?.revision ?? 0);
    }
    for (const { type, kv, prev_kv } of events) if (kv !== undefined) this.apply(type === 1, kv, prev_kv);
  }

  private apply(isDeletion: boolean, kv: KeyValue, before: KeyValue | undefined): void {
    const key = text(kv.key);
    const known = this.objects.get(key);
    this.events++;
    if (kv.mod_revision < this.revision) {
      this.violations.push(`${key}@${kv.mod_revision} came when ${this.revision} had been seen`);
    }
    if (known !== undefined && kv.mod_revision <= known.revision) {
      this.violations.push(`${key}@${kv.mod_revision} came twice`);
    }
    // The object before it is the one that was seen last, or an event is missing. Compaction may take it away.
    if (before !== undefined && before.mod_revision !== known?.revision) {
      this.violations.push(
        `${key}@${kv.mod_revision}: ${known?.revision} was seen before it, not ${before.mod_revision}`,
      );
    }
    this.revision = kv.mod_revision;
    if (isDeletion) this.objects.delete(key);
    else this.objects.set(key, { value: text(kv.value), revision: kv.mod_revision });
  }
}
