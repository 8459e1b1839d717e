import { expect, test } from 'vitest';
import { isGoAtLeast } from '../support/go-program.ts';

test('Go counts when it is at least of the version that a module wants', () => {
  for (const version of ['go1.25', 'go1.25.0', 'go1.25.3', 'go1.26rc1', 'go2.0']) {
    expect(isGoAtLeast(version, '1.25.0'), version).toBe(true);
  }
  for (const version of ['go1.22.2', 'go1.9', 'go1.25.1', 'devel', '']) {
    expect(isGoAtLeast(version, '1.25.2'), version).toBe(false);
  }
});
