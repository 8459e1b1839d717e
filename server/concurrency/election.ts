/** An election that one lease has won at a time (contract: api.md §1.7). */
import { Code, EtcdError } from '../errors/etcd-error.ts';
import { Event_EventType, type KeyValue } from '../proto/gen/kv.ts';
import { RangeRequest, type ResponseHeader } from '../proto/gen/rpc.ts';
import {
  firstOf,
  ifCreatedAt,
  justTheKey,
  keyInLine,
  type Line,
  type LineStore,
  leave,
  lineOf,
  type Place,
  putOp,
  rangeOp,
  waitForTurn,
} from './waiting-line.ts';

const errNotElected = (): EtcdError => new EtcdError(Code.Unknown, 'election: not leader');

/** Leadership, as long as `place.key` exists with that create revision. */
export interface Leadership {
  readonly place: Place;
  readonly header: ResponseHeader | undefined;
}

/**
 * Waits until `lease` leads, with `value` as what it proclaims.
 *
 * @throws what the store throws, with nothing left in the line
 */
export async function campaign(
  store: LineStore,
  name: Uint8Array,
  { lease, value }: { lease: bigint; value: Uint8Array },
  signal: AbortSignal,
): Promise<Leadership> {
  const line = lineOf(name);
  const key = keyInLine(line, lease);
  const own = rangeOp(RangeRequest.create({ key }));
  const entered = await ifCreatedAt(store, { key, revision: 0 }, [putOp(key, value, lease)], [own]);
  const mine = entered.responses[0]?.response_range?.kvs[0];
  const place: Place = { key, revision: mine?.create_revision ?? entered.header?.revision ?? 0 };
  try {
    if (mine !== undefined && !Buffer.from(mine.value).equals(value)) await proclaim(store, place, { lease, value });
    await waitForTurn(store, line, place.revision, signal);
    // Its turn came as it went away: nobody is told who leads.
    if (signal.aborted) throw new EtcdError(Code.Canceled, 'context canceled');
  } catch (error) {
    // Else others would wait for somebody who has gone. If this fails as well, the lease takes the key away.
    await leave(store, place).catch(() => undefined);
    throw error;
  }
  return { place, header: entered.header };
}

/** Replaces what the leader proclaims. @throws EtcdError `election: not leader` */
export async function proclaim(
  store: Pick<LineStore, 'txn'>,
  place: Place,
  { lease, value }: { lease: bigint; value: Uint8Array },
): Promise<ResponseHeader | undefined> {
  const { succeeded, header } = await ifCreatedAt(store, place, [putOp(place.key, value, lease)]);
  if (!succeeded) throw errNotElected();
  return header;
}

/** Who leads, and as of which revision it is so. */
export interface CurrentLeader {
  readonly kv: KeyValue;
  readonly revision: number;
}

/** Each leader and each value that it proclaims, beginning with the present or the first one. Never ends by itself. */
export async function* observeLeader(
  store: LineStore,
  name: Uint8Array,
  signal: AbortSignal,
): AsyncGenerator<CurrentLeader, void, undefined> {
  const line = lineOf(name);
  for (;;) {
    const leader = await currentLeader(store, line, signal);
    if (leader === undefined) continue;
    yield leader;
    yield* laterValues(store, leader, signal);
  }
}

/** The leader, or the first that comes. Undefined when it may have been missed: to be asked again. */
async function currentLeader(store: LineStore, line: Line, signal: AbortSignal): Promise<CurrentLeader | undefined> {
  const { kvs, header } = await store.range(firstOf(line));
  const revision = header?.revision ?? 0;
  const [kv] = kvs;
  if (kv !== undefined) return { kv, revision };
  for await (const { events } of store.watch({ ...line, startRevision: revision }, signal)) {
    const put = events.find(({ type }) => type === Event_EventType.PUT)?.kv;
    if (put !== undefined) return { kv: put, revision: put.mod_revision };
  }
  return undefined;
}

async function* laterValues(
  store: LineStore,
  { kv: { key }, revision }: CurrentLeader,
  signal: AbortSignal,
): AsyncGenerator<CurrentLeader, void, undefined> {
  for await (const { events } of store.watch({ key, end: justTheKey, startRevision: revision + 1 }, signal)) {
    for (const { type, kv } of events) {
      if (type === Event_EventType.DELETE || kv === undefined) return;
      yield { kv, revision: kv.mod_revision };
    }
  }
}
