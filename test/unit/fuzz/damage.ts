/** Damage done to bytes, and what a parser makes of them: a result or an error of its own, in bounded time and memory. */
import vm from 'node:vm';
import fc from 'fast-check';
import { expect, vi } from 'vitest';

/** One change; positions are fractions of the length, so that they fit whatever the changes before have left. */
export type Damage =
  | { kind: 'flip'; at: number; bit: number }
  | { kind: 'set'; at: number; value: number; count: number }
  | { kind: 'cut'; at: number }
  | { kind: 'remove'; at: number; count: number }
  | { kind: 'insert'; at: number; bytes: Uint8Array }
  | { kind: 'copy'; at: number; from: number; count: number };

const at = fc.integer({ min: 0, max: 999_999 }).map((millionths) => millionths / 1_000_000);
const count = fc.integer({ min: 1, max: 24 });
/** Ends of varints, lengths that are negative or huge, tags of every wire type, JSON's brackets. */
const telling = fc.constantFrom(0, 1, 0x7f, 0x80, 0xff, 0x08, 0x0a, 0x0b, 0x0d, 0x22, 0x5b, 0x5d, 0x7b, 0x7d, 0x2c);

export const damages: fc.Arbitrary<Damage[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('flip' as const), at, bit: fc.nat(7) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('set' as const), at, value: telling, count }) },
    fc.record({ kind: fc.constant('set' as const), at, value: fc.nat(255), count: fc.constant(1) }),
    fc.record({ kind: fc.constant('cut' as const), at }),
    fc.record({ kind: fc.constant('remove' as const), at, count }),
    fc.record({ kind: fc.constant('insert' as const), at, bytes: fc.uint8Array({ minLength: 1, maxLength: 24 }) }),
    fc.record({ kind: fc.constant('copy' as const), at, from: at, count: fc.integer({ min: 1, max: 600 }) }),
  ),
  { minLength: 1, maxLength: 4 },
);

/** @returns damaged bytes, in a buffer of their own */
export function damaged(original: Uint8Array, changes: readonly Damage[]): Buffer {
  let bytes: Buffer = Buffer.from(original);
  for (const change of changes) {
    const position = Math.floor(change.at * bytes.length);
    bytes = apply(bytes, change, position);
  }
  return bytes;
}

function apply(bytes: Buffer, change: Damage, position: number): Buffer {
  switch (change.kind) {
    case 'flip':
      if (position < bytes.length) bytes[position] = (bytes[position] as number) ^ (1 << change.bit);
      return bytes;
    case 'set':
      return bytes.fill(change.value, position, Math.min(bytes.length, position + change.count));
    case 'cut':
      return bytes.subarray(0, position);
    case 'remove':
      return Buffer.concat([bytes.subarray(0, position), bytes.subarray(position + change.count)]);
    case 'insert':
      return Buffer.concat([bytes.subarray(0, position), change.bytes, bytes.subarray(position)]);
    case 'copy': {
      const from = Math.floor(change.from * bytes.length);
      bytes.copy(bytes, position, from, Math.min(bytes.length, from + change.count));
      return bytes;
    }
  }
}

/** How many inputs each parser gets; the default takes seconds in all. `ETCDLAB_FUZZ_RUNS=100000` for a long search. */
export const fuzzRuns = Number(process.env.ETCDLAB_FUZZ_RUNS ?? 600);

/** A hang in a parser cannot be interrupted by a promise: V8 does it. */
const watch = new vm.Script('globalThis.etcdlabWatched()');
const watched = globalThis as unknown as { etcdlabWatched?: () => void };

/**
 * Runs a parser that must end.
 *
 * @throws Error `ERR_SCRIPT_EXECUTION_TIMEOUT` when it has not ended after 5 s; whatever `parse` throws
 */
export function withinTime<T>(parse: () => T): T {
  let result: T | undefined;
  watched.etcdlabWatched = () => {
    result = parse();
  };
  try {
    watch.runInThisContext({ timeout: 5000 });
    return result as T;
  } finally {
    delete watched.etcdlabWatched;
  }
}

/**
 * Runs something that must not ask for memory because the input says so.
 *
 * @param limitBytes the largest single buffer that it may allocate
 */
export async function withinMemory<T>(limitBytes: number, run: () => T | Promise<T>): Promise<T> {
  const spies = (['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const).map((name) => vi.spyOn(Buffer, name));
  try {
    const result = await run();
    const largest = spies.reduce((max, spy) => spy.mock.calls.reduce((most, [size]) => Math.max(most, size), max), 0);
    expect(largest).toBeLessThanOrEqual(limitBytes);
    return result;
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
