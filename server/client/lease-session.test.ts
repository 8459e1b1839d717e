import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { LeaseGrantResponse, LeaseKeepAliveResponse, LeaseRevokeResponse } from '../proto/gen/rpc.ts';
import { LeaseSession, type SessionClient } from './lease-session.ts';

/** A client whose lease is renewed until `end` is called. */
function fakeClient() {
  const revoked: bigint[] = [];
  let end: (error?: Error) => void = () => {};
  const client: SessionClient = {
    leaseGrant: async ({ TTL = 0 }) => LeaseGrantResponse.create({ ID: 5n, TTL }),
    leaseRevoke: async ({ ID = 0n }) => {
      revoked.push(ID);
      return LeaseRevokeResponse.create();
    },
    async *leaseKeepAlive(ID, options) {
      yield LeaseKeepAliveResponse.create({ ID, TTL: 10 });
      await new Promise<void>((resolve, reject) => {
        end = (error) => (error === undefined ? resolve() : reject(error));
        options?.signal?.addEventListener('abort', () => reject(options.signal?.reason as Error));
      });
    },
  };
  return { client, revoked, end: (error?: Error) => end(error) };
}

async function isLost(session: LeaseSession): Promise<boolean> {
  let lost = false;
  void session.lost.then(() => {
    lost = true;
  });
  for (let i = 0; i < 5; i++) await turn();
  return lost;
}

test.for([[undefined], [new Error('permission denied')]])(
  'is lost when the lease ends by itself (%s)',
  async ([why]) => {
    const { client, end, revoked } = fakeClient();
    const session = await LeaseSession.open(client, 10);
    expect(await isLost(session)).toBe(false);
    end(why);
    expect(await isLost(session)).toBe(true);
    expect(revoked).toEqual([]);
  },
);

test('that is closed revokes its lease and is not lost', async () => {
  const { client, revoked } = fakeClient();
  const session = await LeaseSession.open(client, 10);
  await isLost(session);
  await session.close();
  expect(revoked).toEqual([5n]);
  expect(await isLost(session)).toBe(false);
});
