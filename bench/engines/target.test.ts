import { expect, test } from 'vitest';
import { memoryOf } from './target.ts';

test.runIf(process.platform === 'linux')('what is mapped from files is not memory of a process itself', () => {
  const [memory] = memoryOf({ pids: [process.pid] });
  expect(memory?.ownBytes).toBeGreaterThan(0);
  expect(memory?.ownBytes).toBeLessThan(memory?.residentBytes as number);
});
