import path from 'node:path';
import { expect, test } from 'vitest';
import { startNullTarget } from './null-target.ts';

test('a server that ends without a word is not waited for', async () => {
  const silent = path.join(import.meta.dirname, '..', 'deadline.ts');
  await expect(startNullTarget(false, silent)).rejects.toThrow('the null server ended (0) before it told its port');
});
