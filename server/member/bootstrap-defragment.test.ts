import { expect, test } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import { defragmentAtStart } from './bootstrap-defragment.ts';

const megabyte = 1024 * 1024;

test.each([
  ['is left alone by default', 0, 100 * megabyte, 1, false],
  ['is left alone when less would be freed', 10, 20 * megabyte, 10 * megabyte + 1, false],
  ['is rewritten when so much would be freed', 10, 20 * megabyte, 10 * megabyte, true],
])('a database %s', async (_title, thresholdMegabytes, sizeBytes, inUseBytes, expected) => {
  let isDone = false;
  const backend = {
    sizeBytes: () => sizeBytes,
    sizeInUseBytes: () => inUseBytes,
    defragment: async () => {
      isDone = true;
    },
  };
  await defragmentAtStart(backend, thresholdMegabytes, silentLogger);
  expect(isDone).toBe(expected);
});
