import { describe, expect, test } from 'vitest';
import { checkedRate } from './h2load.ts';

const summary = (requests: string, dataBytes: number): string => `
finished in 700.29ms, 22692.00 req/s, 1.49MB/s
requests: 100 total, 100 started, 100 done, ${requests}
status codes: 100 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 764.38KB (782730) total, 27.03KB (27676) headers (space savings 94.71%), 3.9KB (${dataBytes}) data
                     min         max         mean         sd        +/- sd
time for request:      322us     29.94ms      4.37ms      3.31ms    90.31%
`;

describe('what h2load prints', () => {
  test('is the rate when every request had a whole answer', () => {
    expect(checkedRate(summary('100 succeeded, 0 failed, 0 errored, 0 timeout', 4000), 40)).toBe(22_692);
  });

  test('is refused when calls failed: the status of gRPC comes without a message', () => {
    const text = summary('100 succeeded, 0 failed, 0 errored, 0 timeout', 3000);
    expect(() => checkedRate(text, 40)).toThrow('calls have failed: 100 answers bring 3000 bytes');
  });

  test('is refused when requests failed, or there were none', () => {
    const failed = summary('99 succeeded, 1 failed, 1 errored, 0 timeout', 4000);
    expect(() => checkedRate(failed, 40)).toThrow('99 succeeded, 1 failed');
    const none = summary('0 succeeded, 0 failed, 0 errored, 0 timeout', 0);
    expect(() => checkedRate(none, 40)).toThrow('0 succeeded');
  });

  test('is refused when it reads otherwise', () => {
    expect(() => checkedRate('finished', 40)).toThrow('does not understand');
  });
});
