import { Readable } from 'node:stream';
import { describe, expect, test, vi } from 'vitest';
import { Code } from '../errors/etcd-error.ts';
import { Event, KeyValue } from '../proto/gen/kv.ts';
import { ResponseHeader, WatchRequest, WatchResponse } from '../proto/gen/rpc.ts';
import type { MessageStream } from './grpc-call.ts';
import { ResumingWatch } from './resuming-watch.ts';
import { RpcError } from './rpc-error.ts';

/** Says its lines when the first request has come, then fails with a gRPC status, or stays open. */
class FakeStream extends Readable implements MessageStream {
  readonly requests: WatchRequest[] = [];
  private readonly lines: readonly Partial<WatchResponse>[];
  private readonly failure: number | 'end' | undefined;

  constructor(lines: readonly Partial<WatchResponse>[], failure?: number | 'end') {
    super({ objectMode: true, read: () => {} });
    this.lines = lines;
    this.failure = failure;
  }

  send(bytes: Uint8Array): void {
    this.requests.push(WatchRequest.decode(bytes));
    if (this.requests.length > 1) return;
    for (const line of this.lines) this.push(Buffer.from(WatchResponse.encode(WatchResponse.create(line))));
    const { failure } = this;
    if (failure === 'end') this.push(null);
    else if (failure !== undefined) {
      setImmediate(() => this.destroy(new RpcError(failure as Code, 'x')));
    }
  }

  cancel(): void {
    this.destroy(new RpcError(Code.Canceled, 'context canceled'));
  }
}

const at = (revision: number): Partial<WatchResponse> => ({ header: ResponseHeader.create({ revision }) });
const created = (revision: number): Partial<WatchResponse> => ({ ...at(revision), created: true });
const event = (revision: number): Partial<WatchResponse> => ({
  ...at(revision + 100),
  events: [Event.create({ kv: KeyValue.create({ mod_revision: revision }) })],
});

interface Seen {
  readonly responses: string[];
  /** The start revisions that were asked for, one for each stream. */
  readonly starts: number[];
  readonly interruptions: number;
  readonly renewedLogins: number;
}

/** Plays streams one after the other; the last one must end the watch. */
async function play(startRevision: number, streams: (FakeStream | RpcError)[], hasUser = true): Promise<Seen> {
  const rest = [...streams];
  let interruptions = 0;
  let renewedLogins = 0;
  const renewLogin = (): boolean => {
    renewedLogins++;
    return hasUser;
  };
  const watch = new ResumingWatch(
    async () => {
      const next = rest.shift();
      if (next === undefined) throw new RpcError(Code.Canceled, 'no more streams');
      if (next instanceof RpcError) throw next;
      return { stream: next, endpoint: 'e', renewLogin };
    },
    { key: Buffer.from('k'), start_revision: startRevision },
    { onInterrupted: () => interruptions++ },
  );
  const responses: string[] = [];
  for await (const { created: isCreated, canceled, events, header } of watch) {
    if (isCreated && canceled) responses.push('refused');
    else if (isCreated) responses.push('created');
    else if (canceled) responses.push('canceled');
    else responses.push(events.length === 0 ? `progress ${header?.revision}` : `event ${events[0]?.kv?.mod_revision}`);
  }
  const starts = streams.flatMap((each) =>
    each instanceof FakeStream ? [each.requests[0]?.create_request?.start_revision ?? -1] : [],
  );
  return { responses, starts, interruptions, renewedLogins };
}

const canceled = { canceled: true };

test('goes on at the revision after the last event, and says only once that it was created', async () => {
  const { responses, starts, interruptions } = await play(3, [
    new FakeStream([created(9), event(4), event(7)], Code.Unavailable),
    new FakeStream([created(12), event(8)], Code.Internal),
    new FakeStream([created(12), canceled]),
  ]);
  expect(responses).toEqual(['created', 'event 4', 'event 7', 'event 8', 'canceled']);
  expect(starts).toEqual([3, 8, 9]);
  expect(interruptions).toBe(2);
});

test('without a start revision goes on at the one that was current when it was created', async () => {
  const { starts } = await play(0, [
    new FakeStream([created(9)], Code.Unavailable),
    new FakeStream([created(20)], Code.Unavailable),
    new FakeStream([canceled]),
  ]);
  expect(starts).toEqual([0, 10, 10]);
});

test('takes progress into account, but never goes back', async () => {
  const { responses, starts } = await play(0, [
    new FakeStream([created(9), at(15), event(20), at(18)], Code.Unavailable),
    new FakeStream([created(9), canceled]),
  ]);
  expect(responses).toEqual(['created', 'progress 15', 'event 20', 'progress 18', 'canceled']);
  expect(starts).toEqual([0, 21]);
});

test('a start revision in the future is not lost by being created', async () => {
  const { starts } = await play(50, [new FakeStream([created(9)], Code.Unavailable), new FakeStream([canceled])]);
  expect(starts).toEqual([50, 50]);
});

test('lives through connections that cannot be made, and streams that end without an error', async () => {
  const ended = new FakeStream([created(1)], 'end');
  const notConnected = new RpcError(Code.DeadlineExceeded, 'cannot connect', { neverSent: true });
  const { responses, interruptions } = await play(1, [notConnected, ended, new FakeStream([created(1), canceled])]);
  expect([responses, interruptions]).toEqual([['created', 'canceled'], 2]);
});

test.each([Code.PermissionDenied, Code.Unauthenticated, Code.Canceled, Code.Unimplemented])(
  'fails at once for code %i',
  async (code) => {
    await expect(play(1, [new FakeStream([created(1)], code)])).rejects.toMatchObject({ code });
  },
);

test('asks for progress on the stream that there is, or on the next one if there is none', async () => {
  const streams = [new FakeStream([created(1), event(2)], Code.Unavailable), new FakeStream([created(2), canceled])];
  const [first, second] = streams as [FakeStream, FakeStream];
  const watch = new ResumingWatch(
    async () => ({ stream: streams.shift() as FakeStream, endpoint: 'e', renewLogin: () => false }),
    { key: Buffer.from('k') },
    { onInterrupted: () => watch.requestProgress() },
  );
  watch.requestProgress();
  for await (const { events } of watch) if (events.length > 0) watch.requestProgress();
  expect(first.requests.map(({ progress_request }) => progress_request !== undefined)).toEqual([false, true, true]);
  expect(second.requests.map(({ progress_request }) => progress_request !== undefined)).toEqual([false, true]);
});

describe('a token that is not good any more', () => {
  const refused = (reason: string): FakeStream =>
    new FakeStream([{ ...created(20), canceled: true, cancel_reason: `rpc error: code = ${reason}` }]);
  const invalid = 'Unauthenticated desc = etcdserver: invalid auth token';

  test.for([[invalid], ['InvalidArgument desc = etcdserver: revision of auth store is old']] as const)(
    'is replaced, and the watch goes on where it was: %s',
    async ([reason]) => {
      const { responses, starts, interruptions, renewedLogins } = await play(3, [
        new FakeStream([created(9), event(4)], Code.Unavailable),
        refused(reason),
        new FakeStream([created(21), event(8), canceled]),
      ]);
      expect(responses).toEqual(['created', 'event 4', 'event 8', 'canceled']);
      expect(starts).toEqual([3, 5, 5]);
      expect({ interruptions, renewedLogins }).toEqual({ interruptions: 2, renewedLogins: 1 });
    },
  );

  test('ends the watch when there is no user to log in', async () => {
    const { responses } = await play(3, [new FakeStream([created(9)], Code.Unavailable), refused(invalid)], false);
    expect(responses).toEqual(['created', 'refused']);
  });

  test('is not replaced for ever, nor for another refusal', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const all = play(
        3,
        Array.from({ length: 11 }, () => refused(invalid)),
      );
      await vi.advanceTimersByTimeAsync(20_000);
      expect(await all).toMatchObject({ responses: ['refused'], renewedLogins: 10 });
    } finally {
      vi.useRealTimers();
    }
    const denied = await play(3, [refused('PermissionDenied desc = etcdserver: permission denied')]);
    expect(denied).toMatchObject({ responses: ['refused'], renewedLogins: 0 });
  });
});

test('is closed by its signal, and by leaving the loop', async () => {
  const stop = new AbortController();
  const open = (stream: FakeStream) => async (signal?: AbortSignal) => {
    signal?.addEventListener('abort', () => stream.cancel());
    return { stream, endpoint: 'e', renewLogin: () => false };
  };
  const [one, other] = [new FakeStream([created(1)]), new FakeStream([created(1)])];
  const aborted = (async () => {
    for await (const _ of new ResumingWatch(open(one), {}, { signal: stop.signal })) stop.abort();
  })();
  await expect(aborted).rejects.toMatchObject({ code: Code.Canceled });
  for await (const _ of new ResumingWatch(open(other), {})) break;
  expect([one.destroyed, other.destroyed]).toEqual([true, true]);
});
