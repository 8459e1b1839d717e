import { describe, expect, test } from 'vitest';
import { ConfState, type Snapshot } from '../proto/gen/raft.ts';
import { decodeSnapFile, encodeSnapFile } from './snap-file.ts';

const snapshot: Snapshot = {
  data: Buffer.from('{}'),
  metadata: { conf_state: ConfState.create({ voters: [1n] }), index: 2, term: 1 },
};
const bytes = '08a1d9d9f70b12100a027b7d120a0a040801280010021801';

describe('a .snap file', () => {
  test('has upstream’s bytes', () => {
    expect(Buffer.from(encodeSnapFile(snapshot)).toString('hex')).toBe(bytes);
  });

  test('ends with the metadata as upstream writes them', () => {
    const conf_state = ConfState.create({ voters: [0xaa5fd34072f489bn, 0x29fcdce336fcec62n] });
    const written = encodeSnapFile({ data: Buffer.from('{}'), metadata: { conf_state, index: 2, term: 1 } });
    const tail = '121c' + '0a16' + '089b91bdb9c0a6ffd20a' + '08e2d8f3b7b39cb7fe29' + '2800' + '1002' + '1801';
    expect(Buffer.from(written).toString('hex').endsWith(tail)).toBe(true);
  });

  test('gives back what was put in', () => {
    const read = decodeSnapFile(Buffer.from(bytes, 'hex'));
    expect(read.metadata).toEqual(snapshot.metadata);
    expect(Buffer.from(read.data ?? []).toString()).toBe('{}');
  });

  test('is refused, whichever bit has flipped or wherever it ends', () => {
    const whole = Buffer.from(bytes, 'hex');
    for (let at = 0; at < whole.length; at++) {
      expect(() => decodeSnapFile(whole.subarray(0, at))).toThrow(expect.objectContaining({ code: 'SNAP_CORRUPT' }));
      for (let bit = 0; bit < 8; bit++) {
        const damaged = Buffer.from(whole);
        damaged[at] = (damaged[at] as number) ^ (1 << bit);
        // The CRC's last byte has three bits that no 32-bit number needs.
        if (at === 5 && bit >= 4 && bit < 7) continue;
        expect(() => decodeSnapFile(damaged, '/x.snap')).toThrow(
          expect.objectContaining({ code: 'SNAP_CORRUPT', message: expect.stringContaining('/x.snap') }),
        );
      }
    }
  });

  test('of nothing but zeros is refused', () => {
    expect(() => decodeSnapFile(Buffer.from('08001200', 'hex'))).toThrow('empty');
    expect(() => decodeSnapFile(Buffer.alloc(0))).toThrow('empty');
  });
});
