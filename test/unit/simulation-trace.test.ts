/** The trace of a simulated world: the last of it is what one reads when a seed fails. */
import { expect, test } from 'vitest';
import { Trace } from '../simulation/trace.ts';

function traceOf(count: number, keep: number): Trace {
  const trace = new Trace(keep);
  for (let i = 1; i <= count; i++) trace.line(`line ${i}`);
  return trace;
}

test('its tail has as many lines as are asked for, the last ones', () => {
  const trace = traceOf(25, 10);
  expect(trace.tail(2)).toEqual(['line 24', 'line 25']);
  expect(trace.tail(1)).toEqual(['line 25']);
  expect(trace.tail(0)).toEqual([]);
  expect(trace.tail()).toHaveLength(10);
});

test('its tail has fewer where there are not so many', () => {
  expect(traceOf(3, 10).tail(5)).toEqual(['line 1', 'line 2', 'line 3']);
  expect(traceOf(3, 0).tail()).toEqual([]);
});
