import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Answer, type Call, type Operation, UndecidedError, violations } from '../simulation/linearizability.ts';

let clients = 0;
const operation = (call: Call, invokedAt: number, returnedAt?: number, answer?: Answer): Operation => ({
  client: `c${clients++}`,
  key: 'k',
  call,
  invokedAt,
  returnedAt,
  answer,
});
const put = (value: string, from: number, to?: number) =>
  operation({ kind: 'put', value }, from, to, to === undefined ? undefined : { kind: 'put' });
const get = (value: string | undefined, from: number, to: number) =>
  operation({ kind: 'get' }, from, to, { kind: 'get', value });
const remove = (from: number, to?: number) =>
  operation({ kind: 'delete' }, from, to, to === undefined ? undefined : { kind: 'delete' });
const cas = (expected: string | undefined, value: string, from: number, to?: number, actual?: string | null) => {
  const answer: Answer | undefined =
    to === undefined
      ? undefined
      : actual === undefined
        ? { kind: 'cas', succeeded: true }
        : { kind: 'cas', succeeded: false, actual: actual ?? undefined };
  return operation({ kind: 'cas', expected, value }, from, to, answer);
};

describe('can be:', () => {
  test.each<[string, Operation[]]>([
    ['nothing at all', []],
    ['a key that is not there', [get(undefined, 0, 1), put('a', 2, 3), get('a', 4, 5)]],
    ['a read that overlaps a write, of either value', [put('a', 0, 1), put('b', 2, 6), get('a', 3, 4), get('b', 3, 5)]],
    ['writes at once, seen in one order', [put('a', 0, 5), put('b', 0, 5), get('b', 6, 7), get('b', 8, 9)]],
    [
      'a cas that finds what it expects, and one that does not',
      [cas(undefined, 'a', 0, 1), cas('x', 'b', 2, 3, 'a'), get('a', 4, 5)],
    ],
    ['of two overlapping cas, one', [put('a', 0, 1), cas('a', 'b', 2, 5), cas('a', 'c', 2, 5, 'b'), get('b', 6, 7)]],
    [
      'an unknown write that is seen much later',
      [put('a', 0), get(undefined, 1, 2), put('b', 3, 4), get('b', 5, 6), get('a', 7, 8)],
    ],
    ['an unknown write that is never seen', [put('a', 0), get(undefined, 1, 2), get(undefined, 3, 4)]],
    [
      'unknown cas that build on each other',
      [cas(undefined, 'a', 0), cas('a', 'b', 0), cas('b', 'c', 0), get('c', 5, 6)],
    ],
    ['a deletion that overlaps a write', [put('a', 0, 3), remove(1, 4), get('a', 5, 6)]],
    ['an unknown deletion, seen late', [put('a', 0, 1), remove(2), get('a', 3, 4), get(undefined, 5, 6)]],
    ['an answer in the very moment of the next call', [put('a', 0, 1), get(undefined, 1, 2)]],
  ])('%s', (_, history) => {
    expect(violations(history)).toEqual([]);
  });
});

describe('cannot be:', () => {
  test.each<[string, Operation[]]>([
    ['a read of what was deleted', [put('a', 0, 1), remove(2, 3), get('a', 4, 5)]],
    ['a deletion that was never asked for', [put('a', 0, 1), remove(4), get(undefined, 2, 3)]],
    ['a stale read', [put('a', 0, 1), put('b', 2, 3), get('a', 4, 5)]],
    ['an acknowledged write that is gone', [put('a', 0, 1), get(undefined, 2, 3)]],
    ['a value that nobody wrote', [put('a', 0, 1), get('b', 2, 3)]],
    ['a value before it was written', [get('a', 0, 1), put('a', 2, 3)]],
    ['reads in a row that go back in time', [put('a', 0, 1), put('b', 2, 9), get('b', 3, 4), get('a', 5, 6)]],
    ['two cas that both found the same', [put('a', 0, 1), cas('a', 'b', 2, 5), cas('a', 'c', 2, 5)]],
    ['a cas that fails although it found what it expected', [put('a', 0, 1), cas('a', 'b', 2, 3, 'a')]],
    ['a cas that succeeds on what was overwritten', [put('a', 0, 1), put('b', 2, 3), cas('a', 'c', 4, 5)]],
    [
      'an unknown write that is seen, gone and seen again',
      [put('b', 0, 1), put('a', 2), get('a', 3, 4), put('c', 5, 6), get('c', 7, 8), get('a', 9, 10)],
    ],
    [
      'an unknown cas that took place although its condition did not hold',
      [put('x', 0, 1), cas('y', 'a', 2), get('a', 3, 4)],
    ],
  ])('%s', (_, history) => {
    const found = violations(history);
    expect(found).toHaveLength(1);
    expect(found[0]?.stuck.length).toBeGreaterThan(0);
  });

  test('and only for the key where it happened', () => {
    const other = [put('a', 0, 1), get('a', 2, 3)].map((each) => ({ ...each, key: 'other' }));
    expect(violations([...other, put('a', 0, 1), get('b', 2, 3)]).map(({ key }) => key)).toEqual(['k']);
  });
});

/** Tries every order: the definition, for small histories. */
function isLinearizable(history: readonly Operation[], value: string | undefined = undefined): boolean {
  if (history.every(({ answer }) => answer === undefined)) return true;
  return history.some((operation, i) => {
    const rest = history.toSpliced(i, 1);
    if (rest.some(({ returnedAt }) => returnedAt !== undefined && returnedAt < operation.invokedAt)) return false;
    const { call, answer } = operation;
    const succeeds = call.kind === 'cas' && call.expected === value;
    const next = call.kind === 'put' || succeeds ? (call as { value: string }).value : value;
    if (answer?.kind === 'get' && answer.value !== value) return false;
    if (answer?.kind === 'cas' && answer.succeeded !== succeeds) return false;
    if (answer?.kind === 'cas' && !answer.succeeded && answer.actual !== value) return false;
    return isLinearizable(rest, next);
  });
}

const step = fc.record({
  kind: fc.constantFrom('put', 'get', 'cas', 'failed cas'),
  from: fc.nat(12),
  takes: fc.nat(6),
  isUnknown: fc.boolean(),
  other: fc.nat(6),
});

/** Up to six operations, each writing its own value, and reading or expecting another's. */
function smallHistory(steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]): Operation[] {
  return steps.map(({ kind, from, takes, isUnknown, other }, i) => {
    const seen = other === steps.length || other > steps.length ? undefined : `v${other}`;
    const to = from + takes;
    if (kind === 'get') return get(seen, from, to);
    if (kind === 'put') return put(`v${i}`, from, isUnknown ? undefined : to);
    if (kind === 'cas') return cas(seen, `v${i}`, from, isUnknown ? undefined : to);
    return cas('none', `v${i}`, from, to, seen ?? null);
  });
}

test('says the same as trying every order', () => {
  const counts = { yes: 0, no: 0 };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 6 }), (steps) => {
      const history = smallHistory(steps);
      const expected = isLinearizable(history);
      counts[expected ? 'yes' : 'no']++;
      expect(violations(history).length === 0).toBe(expected);
    }),
    { numRuns: 3000 },
  );
  expect(Math.min(counts.yes, counts.no)).toBeGreaterThan(300);
});

/** What a real register answers to clients that call at random; each operation takes effect in the middle. */
function realHistory(count: number, seed: number): Operation[] {
  let state = seed;
  const below = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const free = Array.from({ length: 8 }, () => 0);
  const plans = Array.from({ length: count }, (_, i) => {
    const client = below(free.length);
    const from = (free[client] as number) + below(5);
    const at = from + below(20) + 0.5;
    const to = at + below(20) + 0.5;
    free[client] = to + 0.25;
    return { i, from, at, to, kind: below(3), isUnknown: below(20) === 0 };
  });
  let value: string | undefined;
  const history: Operation[] = [];
  for (const { i, from, at, to, kind, isUnknown } of plans.toSorted((a, b) => a.at - b.at || a.i - b.i)) {
    const end = isUnknown ? undefined : to;
    if (kind === 0) history.push(get(value, from, to));
    else if (kind === 1) {
      history.push(put(`v${i}`, from, end));
      value = `v${i}`;
    } else if (at % 3 < 1.5) {
      history.push(cas(value, `v${i}`, from, end));
      value = `v${i}`;
    } else history.push(cas('none', `v${i}`, from, end, value ?? null));
  }
  return history;
}

test('decides histories of thousands of operations, and finds the one wrong read in them', () => {
  for (let seed = 1; seed <= 5; seed++) {
    const history = realHistory(3000, seed);
    expect(violations(history)).toEqual([]);
    const middle = history.findIndex(({ answer }, i) => i > 1500 && answer?.kind === 'get' && answer.value !== 'v0');
    const wrong = history.with(middle, {
      ...(history[middle] as Operation),
      answer: { kind: 'get', value: undefined },
    });
    const [found] = violations(wrong);
    expect(found?.stuck).toContainEqual(wrong[middle]);
  }
});

test('says so when it cannot decide within its budget', () => {
  expect(() => violations(realHistory(3000, 1), 100)).toThrow(UndecidedError);
});
