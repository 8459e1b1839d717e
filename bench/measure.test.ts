import { expect, test } from 'vitest';
import { Measurement } from './measure.ts';
import { type Engine, type EngineRow, quickScale } from './row.ts';

const executables = { etcd: '', etcdctl: '', etcdutl: '' };
const engines: readonly Engine[] = [
  { name: 'built-in', executables },
  { name: 'upstream', executables },
];

function measurementOf(measure: (engine: string) => number, rounds: number): Measurement {
  const row: EngineRow = {
    ...{ name: 'row', title: 'row', on: 'programs' },
    figures: () => ({ wallMs: { title: 'wall time', unit: 'ms', better: 'lower' } }),
    measure: async ({ name }) => ({ wallMs: measure(name) }),
  };
  const { signal } = new AbortController();
  return new Measurement({
    rows: [row],
    engines,
    rounds,
    scale: quickScale,
    isTls: false,
    signal,
    onProgress: () => {},
  });
}

test('each engine goes first in every second round', async () => {
  const order: string[] = [];
  await measurementOf((engine) => order.push(engine), 3).run();
  expect(order).toEqual(['built-in', 'upstream', 'upstream', 'built-in', 'built-in', 'upstream']);
});

test('what works at the second try only is told of, and counts', async () => {
  let tries = 0;
  const measurement = measurementOf((engine) => {
    if (engine === 'upstream' && tries++ === 0) throw new Error('no member leads');
    return 7;
  }, 1);
  await measurement.run();
  expect(measurement.retries).toEqual([{ row: 'row', engine: 'upstream', reason: 'round 1: no member leads' }]);
  expect(measurement.failures).toEqual([]);
  expect(measurement.results()[0]?.upstream).toEqual([7]);
});

test('what fails twice is a failure only', async () => {
  const measurement = measurementOf(() => Number.NaN, 1);
  await measurement.run();
  expect(measurement.retries).toEqual([]);
  expect(measurement.failures).toMatchObject([{ engine: 'built-in' }, { engine: 'upstream' }]);
});
