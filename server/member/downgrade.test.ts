import { beforeEach, expect, test } from 'vitest';
import { DowngradeRequest_DowngradeAction as Action } from '../proto/gen/rpc.ts';
import { Downgrades } from './downgrade.ts';

let clusterVersion: string | undefined;
let announced: { enabled: boolean; targetVersion: string };
let caughtUp: number;

beforeEach(() => {
  clusterVersion = '3.5.0';
  announced = { enabled: false, targetVersion: '' };
  caughtUp = 0;
});

const downgrades = new Downgrades({
  cluster: () => ({ version: () => clusterVersion, downgrade: () => announced }),
  catchUp: async () => {
    caughtUp++;
  },
  propose: async ({ enabled, ver }) => {
    announced = { enabled, targetVersion: ver };
  },
});
const run = (action: number, version = '') => downgrades.run({ action: action as Action, version });

test.for(['3.4', '3.4.0', '3.4.27'])('%s may be gone back to from 3.5', async (target) => {
  expect(await run(Action.VALIDATE, target)).toBe('3.5.0');
  expect(announced.enabled).toBe(false);
  expect(await run(Action.ENABLE, target)).toBe('3.5.0');
  expect(announced).toEqual({ enabled: true, targetVersion: '3.4.0' });
  expect(await run(Action.CANCEL)).toBe('3.5.0');
  expect(announced.enabled).toBe(false);
  expect(caughtUp).toBe(3);
});

test.for(['3.5', '3.3', '3.6', '2.4', '4.4'])('%s may not', async (target) => {
  await expect(run(Action.ENABLE, target)).rejects.toThrow('etcdserver: invalid downgrade target version');
  expect(announced.enabled).toBe(false);
});

test.for(['', '3', '3.x', 'v3.4', '3.4.0.0', '3.4.'])('%j is no version', async (target) => {
  await expect(run(Action.VALIDATE, target)).rejects.toThrow('etcdserver: wrong downgrade target version format');
});

test('one at a time, and none is withdrawn that there is not', async () => {
  await expect(run(Action.CANCEL)).rejects.toThrow('etcdserver: no inflight downgrade job');
  await run(Action.ENABLE, '3.4');
  await expect(run(Action.ENABLE, '3.4')).rejects.toThrow('etcdserver: cluster has a downgrade job in progress');
});

test('before the cluster has a version, and for what is no action, it is refused', async () => {
  clusterVersion = undefined;
  await expect(run(Action.VALIDATE, '3.4')).rejects.toThrow('cluster version not found during downgrade');
  await expect(run(7)).rejects.toThrow('etcdserver: unknown method');
});
