import type { Client, ClientDuplexStream } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Logger } from '../base/logger.ts';
import { LeaseKeepAliveRequest, LeaseKeepAliveResponse, LeaseService } from '../proto/gen/rpc.ts';
import { call, TestServer } from './testing/test-server.ts';

let server: TestServer;
let client: Client;
beforeEach(async () => {
  server = await TestServer.start({ logger: new Logger({ enabled: () => false, write: () => undefined }, 'test') });
  client = server.client();
});
afterEach(() => server.close());

describe('Lease', () => {
  test('grants, revokes, tells times and lists', async () => {
    expect(await call(client, LeaseService.LeaseGrant, { ID: -5n, TTL: 60 })).toMatchObject({ ID: -5n, TTL: 60 });
    expect(await call(client, LeaseService.LeaseTimeToLive, { ID: -5n })).toMatchObject({ TTL: 59, grantedTTL: 60 });
    expect((await call(client, LeaseService.LeaseLeases, {})).leases).toEqual([{ ID: -5n }]);
    await expect(call(client, LeaseService.LeaseGrant, { ID: -5n, TTL: 60 })).rejects.toMatchObject({
      ...{ code: 9, details: 'etcdserver: lease already exists' },
    });
    await call(client, LeaseService.LeaseRevoke, { ID: -5n });
    await expect(call(client, LeaseService.LeaseRevoke, { ID: -5n })).rejects.toMatchObject({
      ...{ code: 5, details: 'etcdserver: requested lease not found' },
    });
    expect(await call(client, LeaseService.LeaseTimeToLive, { ID: -5n })).toMatchObject({ TTL: -1, grantedTTL: 0 });
  });

  test('is refused on a learner', async () => {
    server.member.learner = true;
    await expect(call(client, LeaseService.LeaseGrant, { TTL: 60 })).rejects.toMatchObject({
      ...{ code: 14, details: 'etcdserver: rpc not supported for learner' },
    });
  });
});

describe('KeepAlive', () => {
  let stream: ClientDuplexStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse>;
  beforeEach(() => {
    server.member.leases.set(1n, 60);
    stream = client.makeBidiStreamRequest(
      LeaseService.LeaseKeepAlive.path,
      (request: LeaseKeepAliveRequest) => Buffer.from(LeaseKeepAliveRequest.encode(request)),
      (answer: Buffer) => LeaseKeepAliveResponse.decode(answer),
    );
  });

  const ask = (...ids: bigint[]): void => {
    for (const ID of ids) stream.write(LeaseKeepAliveRequest.create({ ID }));
  };

  test('answers every request in its order, one of a lease that is gone with TTL 0, until the client ends it', async () => {
    ask(1n, 2n, 1n);
    stream.end();
    const answers: [bigint, number, number | undefined][] = [];
    for await (const { ID, TTL, header } of stream) answers.push([ID, TTL, header?.revision]);
    expect(answers).toEqual([
      [1n, 60, 1],
      [2n, 0, 1],
      [1n, 60, 1],
    ]);
  });

  test('tells the revision of before the renewal', async () => {
    const renew = server.member.leaseRenew;
    server.member.leaseRenew = async (id) => {
      server.member.revision = 9;
      return renew(id);
    };
    ask(1n);
    stream.end();
    for await (const { header } of stream) expect(header?.revision).toBe(1);
  });

  test('ends with the error of a renewal that fails', async () => {
    server.member.leaderId = 0n;
    ask(1n);
    const ended = (async () => {
      for await (const _ of stream);
    })();
    await expect(ended).rejects.toMatchObject({ code: 14, details: 'etcdserver: no leader' });
  });
});
