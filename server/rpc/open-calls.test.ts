import { expect, test } from 'vitest';
import { type OpenCall, OpenCalls } from './open-calls.ts';
import type { GrpcStatus } from './transport.ts';

const stopped: GrpcStatus = { code: 14, message: 'stopped' };

class Call implements OpenCall {
  position = 0;
  readonly isFinite: boolean;
  private readonly onEnd: (call: Call) => void;

  constructor(isFinite: boolean, onEnd: (call: Call) => void) {
    this.isFinite = isFinite;
    this.onEnd = onEnd;
  }

  end(): void {
    this.onEnd(this);
  }
}

test('each call that is under way and meant is ended once, although it leaves while the others are', () => {
  const calls = new OpenCalls();
  const ended: Call[] = [];
  const all = Array.from({ length: 9 }, (_, i) => {
    const call = new Call(i % 3 === 0, (it) => {
      ended.push(it);
      calls.delete(it);
    });
    calls.add(call);
    return call;
  });
  for (const gone of [all[0], all[8], all[4]]) calls.delete(gone as Call);
  calls.end(stopped, ({ isFinite }) => !isFinite);
  expect(new Set(ended)).toEqual(new Set([1, 2, 5, 7].map((i) => all[i])));
  expect(ended).toHaveLength(4);
  calls.end(stopped, () => true);
  expect(new Set(ended.slice(4))).toEqual(new Set([3, 6].map((i) => all[i])));
  expect(ended).toHaveLength(6);
});
