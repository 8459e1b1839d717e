import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { scratchFolder } from '../../testing/scratch.ts';
import { type CompressedFile, withCompressedFile } from './compressed-file.ts';

describe('a file that is sent', () => {
  it('is the same file when it is unpacked, and measured as such', async () => {
    const file = join(scratchFolder(), 'f');
    const content = Buffer.concat([Buffer.alloc(300_000), randomBytes(300_000)]);
    writeFileSync(file, content);
    await withCompressedFile(file, async ({ chunks, sizeBytes, sha256 }) => {
      expect(gunzipSync(Buffer.concat(chunks)).equals(content)).toBe(true);
      expect([sizeBytes, sha256]).toEqual([600_000, createHash('sha256').update(content).digest('hex')]);
    });
  });

  it('is compressed once for all who send it at the same time, and anew for those who come later', async () => {
    const file = join(scratchFolder(), 'f');
    writeFileSync(file, 'content');
    const send = (sent: CompressedFile) => Promise.resolve(sent.chunks);
    const [a, b] = await Promise.all([withCompressedFile(file, send), withCompressedFile(file, send)]);
    expect(a).toBe(b);
    expect(await withCompressedFile(file, send)).not.toBe(a);
  });

  it('is an error for everybody if it cannot be read', async () => {
    const missing = join(scratchFolder(), 'none');
    await expect(withCompressedFile(missing, async () => undefined)).rejects.toThrow('ENOENT');
  });
});
