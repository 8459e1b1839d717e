import { describe, expect, test } from 'vitest';
import { Replica } from './replica.ts';
import type { StateMachine } from './state-machine.ts';

const [old, next] = [{ appliedIndex: 1 }, { appliedIndex: 7 }] as StateMachine[] as [StateMachine, StateMachine];

/** No more of a replica than state and installations. */
function replica(installation: (self: Replica) => Promise<void>): Replica {
  const self: Replica = Object.create(Replica.prototype);
  return Object.assign(self, { machine: old, driver: { installation: () => installation(self) } });
}

describe('what is done with a state that is being replaced', () => {
  const onOldFails = async ({ appliedIndex }: StateMachine): Promise<number> => {
    if (appliedIndex === 1) throw new Error('the file is being replaced');
    return appliedIndex;
  };

  test('is done with the next one, although it failed before that was in its place', async () => {
    const installing = replica(async (self) => {
      await new Promise((resolve) => setImmediate(resolve));
      self.machine = next;
    });
    expect(await installing.withState(onOldFails)).toBe(7);
  });

  test('fails as it did when no snapshot was the reason', async () => {
    await expect(replica(async () => undefined).withState(onOldFails)).rejects.toThrow('is being replaced');
  });
});
