import { afterAll } from 'vitest';
import { CrashFileSystem } from './crash-file-system.ts';

/** Says, behind the tests of a file, in how many steps of which kinds the power has failed in them. */
export function reportCrashPoints(what: string): void {
  afterAll(() => {
    const kinds = new Map<string, number>();
    for (const { operation } of CrashFileSystem.failed) kinds.set(operation, (kinds.get(operation) ?? 0) + 1);
    const parts = [...kinds].sort((a, b) => b[1] - a[1]).map(([operation, count]) => `${count} ${operation}`);
    console.log(`${what}: the power failed in ${CrashFileSystem.failed.length} steps (${parts.join(', ')})`);
  });
}
