import { ServerCredentials } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from 'vitest';
import { createAuthority, issue, systemSources } from '../../pki/mod.ts';
import { Code } from '../errors/etcd-error.ts';
import { AuthService, KVService, LeaseService, MaintenanceService, WatchService } from '../proto/gen/rpc.ts';
import { describeRpcError, EtcdClient, type EtcdClientOptions, RpcError } from './mod.ts';
import { FakeMember, refusal } from './testing/fake-member.ts';

const { Range, Put } = KVService;
const members: FakeMember[] = [];
const clients: EtcdClient[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  for (const member of members.splice(0)) member.stop();
});

/** A member that answers reads and writes with its number as revision. */
async function member(revision: number): Promise<FakeMember> {
  const made = new FakeMember();
  members.push(made);
  const header = { cluster_id: 1n, member_id: 2n, revision, raft_term: 3 };
  return made
    .on(Range, () => Range.response.create({ header }))
    .on(Put, () => Put.response.create({ header }))
    .listen();
}

function client(endpoints: string[], more: Partial<EtcdClientOptions> = {}): EtcdClient {
  const made = new EtcdClient({ endpoints, ...more });
  clients.push(made);
  return made;
}

const key = Buffer.from('k');
/** A port that nothing listens on. */
const nowhere = '127.0.0.1:1';

describe('calls', () => {
  test('go round all endpoints that are connected', async () => {
    const [one, two] = [await member(1), await member(2)];
    const asked = client([one.endpoint, two.endpoint]);
    // The second connection may come later than the first call.
    while (two.calls.length === 0 || one.calls.length === 0) await asked.range({ key });
    const before = [one.calls.length, two.calls.length] as const;
    for (let i = 0; i < 10; i++) await asked.put({ key });
    expect([one.calls.length - before[0], two.calls.length - before[1]]).toEqual([5, 5]);
  });

  test('pass by an endpoint that nothing listens on', async () => {
    const asked = client([nowhere, (await member(7)).endpoint]);
    for (let i = 0; i < 4; i++) expect((await asked.put({ key })).header?.revision).toBe(7);
  });

  test('go to the one endpoint that they name', async () => {
    const [one, two] = [await member(1), await member(2)];
    const asked = client([one.endpoint, two.endpoint]);
    for (let i = 0; i < 4; i++) {
      expect((await asked.range({ key }, { endpoint: two.endpoint })).header?.revision).toBe(2);
    }
    expect(one.calls).toEqual([]);
    await expect(asked.range({ key }, { endpoint: nowhere })).rejects.toThrow('not one of the endpoints');
  });

  test('find a member again that comes back on its port', async () => {
    const first = await member(1);
    const asked = client([first.endpoint], { dialTimeoutMs: 10_000 });
    await asked.range({ key });
    first.stop();
    const second = new FakeMember().on(Range, () => Range.response.create({ count: 5 }));
    members.push(second);
    await second.listen(ServerCredentials.createInsecure(), first.port);
    expect((await asked.range({ key })).count).toBe(5);
  });
});

describe('after a failure', () => {
  /** Fails the first call that it gets with Unavailable, as a member that stops in the middle. */
  async function failing(): Promise<FakeMember> {
    const made = new FakeMember();
    members.push(made);
    const failOnce = <Response>(response: Response) => {
      if (made.calls.length === 1) throw refusal(Code.Unavailable, 'etcdserver: server stopped');
      return response;
    };
    return made
      .on(Range, () => failOnce(Range.response.create()))
      .on(Put, () => failOnce(Put.response.create()))
      .listen();
  }

  test('a read is asked again', async () => {
    const made = await failing();
    await client([made.endpoint]).range({ key });
    expect(made.calls).toEqual(['Range', 'Range']);
  });

  test('a write that may have been done is not', async () => {
    const made = await failing();
    const error = await client([made.endpoint])
      .put({ key })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: Code.Unavailable, neverSent: false, endpoint: made.endpoint });
    expect(describeRpcError(error)).toBe('etcdserver: server stopped');
    expect(made.calls).toEqual(['Put']);
  });

  test('an answer that is an error is given as it is, once', async () => {
    const made = new FakeMember().on(Range, () => {
      throw refusal(Code.OutOfRange, 'etcdserver: mvcc: required revision has been compacted');
    });
    members.push(await made.listen());
    const error = await client([made.endpoint])
      .range({ key })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RpcError);
    expect(error).toMatchObject({ code: Code.OutOfRange });
    expect(describeRpcError(error)).toBe('etcdserver: mvcc: required revision has been compacted');
    expect(made.calls).toEqual(['Range']);
  });
});

describe('waiting ends', () => {
  test('when no endpoint can be connected within the dial timeout, and nothing was sent', async () => {
    const error = await client([nowhere], { dialTimeoutMs: 50 })
      .put({ key })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: Code.DeadlineExceeded, neverSent: true });
    expect((error as Error).message).toContain(`cannot connect to ${nowhere} within`);
    expect(describeRpcError(error)).toBe('context deadline exceeded');
  });

  test('at the deadline of the call, though the member never answers', async () => {
    const made = new FakeMember().on(Range, () => new Promise<never>(() => {}));
    members.push(await made.listen());
    const error = await client([made.endpoint], { requestTimeoutMs: 10_000 })
      .range({ key }, { timeoutMs: 100 })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: Code.DeadlineExceeded });
  });

  test.for(['while connecting', 'while the member works'] as const)(
    'when the caller’s signal fires %s',
    async (when) => {
      const controller = new AbortController();
      const made = new FakeMember().on(Range, () => {
        controller.abort();
        return new Promise<never>(() => {});
      });
      members.push(await made.listen());
      const asked = client([when === 'while connecting' ? nowhere : made.endpoint], { dialTimeoutMs: 60_000 });
      const call = asked.range({ key }, { signal: controller.signal }).catch((reason: unknown) => reason);
      if (when === 'while connecting') controller.abort();
      const error = await call;
      expect(error).toMatchObject({ code: Code.Canceled });
      expect(describeRpcError(error)).toBe('context canceled');
    },
  );

  test('when the client is closed; calls after that are refused', async () => {
    const asked = client([(await member(1)).endpoint]);
    asked.close();
    await expect(asked.put({ key })).rejects.toMatchObject({ code: Code.Canceled, neverSent: true });
  });
});

test('a request that is too large is refused before it is sent', async () => {
  const made = await member(1);
  const error = await client([made.endpoint], { maxRequestBytes: 1000 })
    .put({ key, value: Buffer.alloc(1000) })
    .catch((reason: unknown) => reason);
  expect(describeRpcError(error)).toMatch(
    /^rpc error: code = ResourceExhausted desc = trying to send message larger than max \(10\d\d vs\. 1000\)$/,
  );
  expect(made.calls).toEqual([]);
});

describe('a stream', () => {
  test('is read to its end, or cancelled when the reader leaves', async () => {
    const { Snapshot } = MaintenanceService;
    const made = new FakeMember().on(Snapshot, () =>
      [3, 2, 1].map((remaining_bytes) => Snapshot.response.create({ remaining_bytes })),
    );
    members.push(await made.listen());
    const asked = client([made.endpoint]);
    const seen: number[] = [];
    for await (const { remaining_bytes } of asked.snapshot()) seen.push(remaining_bytes);
    expect(seen).toEqual([3, 2, 1]);
    for await (const { remaining_bytes } of asked.snapshot()) {
      expect(remaining_bytes).toBe(3);
      break;
    }
  });

  test('rejects with the status that the member ends it with', async () => {
    const { Snapshot } = MaintenanceService;
    const made = new FakeMember().on(Snapshot, () => {
      throw refusal(Code.PermissionDenied, 'etcdserver: permission denied');
    });
    members.push(await made.listen());
    const read = async (): Promise<void> => {
      for await (const _ of client([made.endpoint]).snapshot());
    };
    await expect(read()).rejects.toMatchObject({ code: Code.PermissionDenied, endpoint: made.endpoint });
  });
});

describe('with a user', () => {
  const { Authenticate } = AuthService;
  const user = { name: 'root', password: 'secret' };

  test.each([
    [Code.Unauthenticated, 'etcdserver: invalid auth token'],
    [Code.InvalidArgument, 'etcdserver: revision of auth store is old'],
  ])('the client logs in once, and again when its token is not good any more: %i %s', async (code, text) => {
    let valid = 'token-1';
    const made = new FakeMember()
      .on(Authenticate, ({ name, password }) => {
        expect({ name, password }).toEqual(user);
        return Authenticate.response.create({ token: valid });
      })
      .on(Range, (_, token) => {
        if (token !== valid) throw refusal(code, text);
        return Range.response.create();
      });
    members.push(await made.listen());
    const asked = client([made.endpoint], { user });
    await Promise.all([asked.range({ key }), asked.range({ key })]);
    valid = 'token-2';
    await Promise.all([asked.range({ key }), asked.range({ key })]);
    expect(made.calls.filter((name) => name === 'Authenticate')).toHaveLength(2);
  });

  const { LeaseKeepAlive } = LeaseService;
  const { Snapshot } = MaintenanceService;
  const { Watch } = WatchService;
  const refusedWatch = Watch.response.create({
    ...{ created: true, canceled: true, watch_id: -1n },
    cancel_reason: 'rpc error: code = Unauthenticated desc = etcdserver: invalid auth token',
  });
  /** A member that knows the token it gave last, until it is told to forget it; of the third on it knows none. */
  async function forgetful(): Promise<{ asked: EtcdClient; calls: string[]; forget(): void }> {
    let given = 0;
    let isForgotten = false;
    const known = (token: string | undefined): boolean => token === `token-${given}` && !isForgotten;
    const made = new FakeMember()
      .on(Authenticate, () => {
        isForgotten = given >= 2;
        given++;
        return Authenticate.response.create({ token: `token-${given}` });
      })
      .on(LeaseKeepAlive, ({ ID }, token) => {
        if (!known(token)) throw refusal(Code.Unauthenticated, 'etcdserver: invalid auth token');
        return LeaseKeepAlive.response.create({ ID, TTL: 5 });
      })
      .on(Snapshot, (_, token) => {
        if (!known(token)) throw refusal(Code.Unknown, 'auth: invalid auth token');
        return [Snapshot.response.create({ remaining_bytes: 1 }), Snapshot.response.create()];
      })
      .on(Watch, (_, token) => (known(token) ? Watch.response.create({ created: true }) : refusedWatch));
    members.push(await made.listen());
    const forget = (): void => {
      isForgotten = true;
    };
    return { asked: client([made.endpoint], { user }), calls: made.calls, forget };
  }

  test.each([
    ['a lease is renewed', 'LeaseKeepAlive', async (asked: EtcdClient) => (await asked.leaseKeepAliveOnce(7n)).TTL, 5],
    [
      'a snapshot is sent',
      'Snapshot',
      async (asked: EtcdClient) => (await Array.fromAsync(asked.snapshot())).map((piece) => piece.remaining_bytes),
      [1, 0],
    ],
    [
      'a watch begins',
      'Watch',
      async (asked: EtcdClient) => {
        for await (const { created, canceled } of asked.watch({ key })) return { created, canceled };
        return undefined;
      },
      { created: true, canceled: false },
    ],
  ])('%s over a new token when the old one is not good any more', async (_what, method, ask, answer) => {
    const { asked, calls, forget } = await forgetful();
    expect(await ask(asked)).toEqual(answer);
    forget();
    expect(await ask(asked)).toEqual(answer);
    expect(calls).toEqual(['Authenticate', method, method, 'Authenticate', method]);
  });

  test('a stream whose new token is refused as well is not tried for ever', async () => {
    const { asked, forget } = await forgetful();
    for (let i = 0; i < 2; i++) {
      await asked.leaseKeepAliveOnce(7n);
      forget();
    }
    await expect(Array.fromAsync(asked.snapshot())).rejects.toThrow('auth: invalid auth token');
    await expect(asked.leaseKeepAliveOnce(7n)).rejects.toMatchObject({ code: Code.Unauthenticated });
    expect(await Array.fromAsync(asked.watch({ key }))).toEqual([refusedWatch]);
  });

  test.for(['its signal', 'its deadline'] as const)(
    'a call that gives up, by %s, leaves the login that it began to the others',
    async (by) => {
      const { promise: asking, resolve: isAsked } = Promise.withResolvers<void>();
      const { promise: answer, resolve: giveAnswer } = Promise.withResolvers<void>();
      const made = new FakeMember()
        .on(Authenticate, async () => {
          isAsked();
          await answer;
          return Authenticate.response.create({ token: 'token' });
        })
        .on(Range, (_, token) => Range.response.create({ count: token === 'token' ? 1 : 2 }));
      members.push(await made.listen());
      const asked = client([made.endpoint], { user });
      const stop = new AbortController();
      const first = asked.range({ key }, by === 'its signal' ? { signal: stop.signal } : { timeoutMs: 500 });
      const second = asked.range({ key });
      const gone = expect(first).rejects.toMatchObject(
        by === 'its signal' ? { code: Code.Canceled } : { code: Code.DeadlineExceeded, neverSent: true },
      );
      await asking;
      stop.abort();
      await gone;
      giveAnswer();
      expect((await second).count).toBe(1);
      expect(made.calls).toEqual(['Authenticate', 'Range']);
    },
  );

  test('a refused login is told apart', async () => {
    const made = new FakeMember().on(Authenticate, () => {
      throw refusal(Code.InvalidArgument, 'etcdserver: authentication failed, invalid user ID or password');
    });
    members.push(await made.listen());
    await expect(client([made.endpoint], { user }).logIn()).rejects.toThrow('invalid user ID or password');
  });

  test('naming one while authentication is off is no error', async () => {
    const made = new FakeMember()
      .on(Authenticate, () => {
        throw refusal(Code.FailedPrecondition, 'etcdserver: authentication is not enabled');
      })
      .on(Range, (_, token) => Range.response.create({ count: token === undefined ? 1 : 2 }));
    members.push(await made.listen());
    expect((await client([made.endpoint], { user }).range({ key })).count).toBe(1);
  });
});

test('TLS works with an address for a host, certificates on both sides', async () => {
  const day = 86_400_000;
  const ca = createAuthority({ commonName: 'test CA', validityMs: day }, systemSources);
  const server = issue(
    ca,
    { profile: 'server', commonName: 'm1', ipAddresses: ['127.0.0.1'], validityMs: day },
    systemSources,
  );
  const own = issue(ca, { profile: 'client', commonName: 'root', validityMs: day }, systemSources);
  const made = new FakeMember().on(Range, () => Range.response.create({ count: 3 }));
  members.push(made);
  await made.listen(
    ServerCredentials.createSsl(
      Buffer.from(ca.certificate),
      [{ private_key: Buffer.from(server.key), cert_chain: Buffer.from(server.certificate) }],
      true,
    ),
  );
  const tls = { ca: ca.certificate, cert: own.certificate, key: own.key };
  expect((await client([`https://${made.endpoint}`], { tls }).range({ key })).count).toBe(3);
  expect((await client([made.endpoint], { tls }).range({ key })).count).toBe(3);
  const stranger = client([made.endpoint], { tls: { ca: ca.certificate }, dialTimeoutMs: 300, requestTimeoutMs: 300 });
  await expect(stranger.range({ key })).rejects.toBeInstanceOf(RpcError);
});

test('a certificate without its key is refused at once', () => {
  expect(() => client([`https://${nowhere}`], { tls: { cert: 'x' } })).toThrow('must be given together');
});
