/** Ways in which a snapshot file gets damaged on its way or on its disk. Each makes one that must be refused. */

const trailerBytes = 32;
const pageBytes = 4096;

export interface SnapshotDamage {
  /** As a report says it: a snapshot with … */
  how: string;
  /** @param sound the whole file @returns another one */
  apply(sound: Buffer): Buffer;
}

const flip = (bytes: Buffer, position: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[position] = (copy[position] as number) ^ 0x10;
  return copy;
};

/** In the order of how much of the file is gone. */
export const snapshotDamages: readonly SnapshotDamage[] = [
  { how: 'one bit flipped in the middle', apply: (sound) => flip(sound, Math.floor(sound.length / 2)) },
  { how: 'one bit flipped in its first page', apply: (sound) => flip(sound, 20) },
  { how: 'one bit flipped in its SHA-256', apply: (sound) => flip(sound, sound.length - 1) },
  { how: 'a page of zeros in the middle', apply: zeroPage },
  { how: 'its SHA-256 cut off', apply: (sound) => Buffer.from(sound.subarray(0, -trailerBytes)) },
  { how: 'its last 4 KiB cut off', apply: (sound) => Buffer.from(sound.subarray(0, -pageBytes)) },
  { how: 'its second half cut off', apply: (sound) => Buffer.from(sound.subarray(0, sound.length / 2)) },
  { how: 'nothing in it', apply: () => Buffer.alloc(0) },
];

function zeroPage(sound: Buffer): Buffer {
  const pages = Math.floor((sound.length - trailerBytes) / pageBytes);
  // A page that is not all zeros already, from the middle on: one that was never used would not differ.
  for (let page = Math.floor(pages / 2); page >= 0; page--) {
    const start = page * pageBytes;
    const end = start + pageBytes;
    if (sound.subarray(start, end).some((byte) => byte !== 0)) return Buffer.from(sound).fill(0, start, end);
  }
  return flip(sound, 0);
}
