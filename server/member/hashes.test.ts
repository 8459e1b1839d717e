import { expect, test } from 'vitest';
import { Code } from '../errors/etcd-error.ts';
import type { HashKvResult } from '../mvcc/mod.ts';
import { Hashes, type WithState } from './hashes.ts';
import type { StateMachine } from './state-machine.ts';

test('of the database come with the revision of their moment', async () => {
  const store = { currentRevision: 5 };
  const backend = {
    hash: async (_ignore: unknown, look: () => void) => {
      look();
      store.currentRevision = 9;
      return 77;
    },
  };
  const hashes = new Hashes((work) => work({ store, backend } as unknown as StateMachine));
  expect(await hashes.database()).toEqual({ hash: 77, currentRevision: 5 });
});

test('are computed one after the other, and refused when too many wait', async () => {
  const running: ((result: HashKvResult) => void)[] = [];
  const state = { store: { hashKvInSlices: () => new Promise<HashKvResult>((resolve) => running.push(resolve)) } };
  const withState: WithState = (work) => work(state as unknown as StateMachine);
  const hashes = new Hashes(withState);
  const asked = Array.from({ length: 9 }, () => hashes.kv(0));
  await expect(hashes.kv(0)).rejects.toMatchObject({ code: Code.ResourceExhausted });
  await expect(hashes.database()).rejects.toThrow('etcdserver: too many requests');
  for (let i = 0; i < asked.length; i++) {
    expect(running.length).toBe(i + 1);
    running[i]?.({ hash: i, compactRevision: 0, currentRevision: 1 });
    expect((await asked[i])?.hash).toBe(i);
    await new Promise((resolve) => setImmediate(resolve));
  }
});
