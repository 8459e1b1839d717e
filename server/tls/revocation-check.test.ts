import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Logger, type LogRecord } from '../base/logger.ts';
import { revocationCheck } from './revocation-check.ts';
import { revocationList } from './testing/revocation-list.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'etcd-crl-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = path.join(folder, 'peers.crl');
/** As a renewal does it: under another inode, even when size and time are the same. */
const replace = (content: Uint8Array) => {
  writeFileSync(`${file}.new`, content);
  renameSync(`${file}.new`, file);
};

const lines: LogRecord[] = [];
const logger = new Logger({ enabled: () => true, write: (record) => lines.push(record) }, 'test');

describe('a revocation list of peers', () => {
  test('is read again when it has been replaced, and kept when the new one is damaged', () => {
    replace(revocationList(['0A']));
    const isRevoked = revocationCheck(file, logger);
    expect([isRevoked('0A'), isRevoked('0B')]).toEqual([true, false]);
    replace(revocationList(['0A', '0B']));
    expect(isRevoked('0B')).toBe(true);
    replace(Buffer.from('nonsense'));
    expect(isRevoked('0B')).toBe(true);
    rmSync(file);
    expect(isRevoked('0B')).toBe(true);
    symlinkSync(file, file);
    expect(isRevoked('0B')).toBe(true);
    rmSync(file);
    expect(lines.map(({ msg }) => msg)).toEqual(
      new Array(3).fill('cannot use the replaced revocation list; keeping the one read before'),
    );
  });

  test('must be readable at the start', () => {
    expect(() => revocationCheck(path.join(folder, 'missing.crl'), logger)).toThrow(/ENOENT/);
  });
});
