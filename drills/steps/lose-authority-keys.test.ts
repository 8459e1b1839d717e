import { describe, expect, test } from 'vitest';
import { servesWithoutKeys, writesGoOn } from './lose-authority-keys.ts';

describe('serves-without-keys', () => {
  const read = (value: number): PromiseSettledResult<number> => ({ status: 'fulfilled', value });

  test('passes when every member answers', () => {
    expect(servesWithoutKeys(['a', 'b'], [read(7), read(7)])).toMatchObject({
      passed: true,
      observed: 'a reads at revision 7, b reads at revision 7',
    });
  });

  test('fails by name and reason when one does not', () => {
    const refused: PromiseSettledResult<number> = { status: 'rejected', reason: new Error('connection refused') };
    expect(servesWithoutKeys(['a', 'b'], [read(7), refused])).toMatchObject({
      passed: false,
      observed: 'a reads at revision 7, b connection refused',
    });
  });
});

describe('writes-go-on', () => {
  const batches = Array.from({ length: 9 }, () => ({ puts: [] }));
  const writes = { batches, failures: 2, longestMs: 40 };
  const trust = (title: string, count: number) => ({ title, writes: count });

  test('passes when keys were written whenever members were restarted', () => {
    const { passed, observed } = writesGoOn(writes, [trust('both', 4), trust('the new one', 5)]);
    expect(passed).toBe(true);
    expect(observed).toBe(
      "9 keys written, 4 in 'both', 5 in 'the new one'; the slowest after 40 ms; 2 calls made again",
    );
  });

  test('fails when one part of the rotation was an outage', () => {
    expect(writesGoOn(writes, [trust('both', 9), trust('the new one', 0)]).passed).toBe(false);
  });

  test('fails when nothing is known of the rotation', () => {
    expect(writesGoOn(writes, []).passed).toBe(false);
  });

  test('fails when the client gave up', () => {
    expect(writesGoOn({ ...writes, problem: 'no member answers' }, [trust('both', 9)])).toMatchObject({
      passed: false,
      observed: 'no member answers',
    });
  });
});
