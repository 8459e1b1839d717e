import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { describeComparison, lineOf } from './engine.ts';

describe('etcdlab engine switch', () => {
  it('writes a line for lab.yaml that means the same, whatever is in a path', () => {
    const sha256 = '12345678'.repeat(8);
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, unit: 'grapheme' }).map((name) => `/${name}`),
        (path) => {
          expect(parse(lineOf(path)).engine.path).toBe(path);
          expect(parse(lineOf({ file: path, sha256 })).engine).toEqual({ kind: 'upstream', archive: path, sha256 });
        },
      ),
    );
    expect(parse(lineOf('built-in'))).toEqual({ engine: 'built-in' });
  });

  it('claims no more than it has compared', () => {
    const before = { revision: 7, hash: 42, compactRevision: -1 };
    expect(describeComparison(before, 3, 3)).toMatch(
      /^All members hold what they held before: HashKV 42 at revision 7/,
    );
    expect(describeComparison(before, 1, 3)).toContain('only 1 of 3 members could be compared');
    expect(describeComparison(before, 0, 3)).toContain('no member could be compared');
  });
});
