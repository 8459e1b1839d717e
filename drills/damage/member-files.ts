/** Damage to the files of a member that does not run. Each function changes the file that it is given. */
import { open, readFile } from 'node:fs/promises';
import { BoltDatabase } from '../../server/bolt/mod.ts';
import { KeyValue } from '../../server/proto/gen/kv.ts';

const frameHeaderBytes = 8;
const metaPageBytes = 4096;

/**
 * Flips one bit within the data of a record in the middle of a log file: a checksum that is wrong, and no torn end,
 * which a member would rightly cut off (contract: disk-and-peer §1).
 *
 * @returns what was done
 * @throws Error when the file holds fewer than four records
 */
export async function damageLogRecord(file: string): Promise<string> {
  const bytes = await readFile(file);
  const records: { start: number; length: number }[] = [];
  for (let at = 0; at + frameHeaderBytes <= bytes.length; ) {
    const header = bytes.readBigUInt64LE(at);
    const length = Number(header & 0x00ff_ffff_ffff_ffffn);
    const top = Number(header >> 56n);
    const padding = (top & 0x80) === 0 ? 0 : top & 0x07;
    if (length === 0 || at + frameHeaderBytes + length > bytes.length) break;
    records.push({ start: at + frameHeaderBytes, length });
    at += frameHeaderBytes + length + padding;
  }
  if (records.length < 4)
    throw new Error(`${file} holds ${records.length} records, too few to damage one in the middle`);
  // The largest in the middle: the last byte of its data is a value's, whatever the record is.
  const middle = records.slice(1, -1);
  const target = middle.reduce((a, b) => (b.length > a.length ? b : a));
  const position = target.start + target.length - 1;
  await overwrite(file, position, Buffer.from([(bytes[position] as number) ^ 0x10]));
  return `one bit flipped at byte ${position} of its log`;
}

/** Overwrites both meta pages: nothing says any more where the data is. @returns what was done */
export async function wipeMetaPages(file: string): Promise<string> {
  await overwrite(file, 0, Buffer.alloc(2 * metaPageBytes, 0xa5));
  return 'the first two pages of its database overwritten';
}

/**
 * Changes the newest value of a key, as a disk does that gives back what was never written: every checksum that etcd
 * keeps is right.
 *
 * @param key its bytes as a latin1 string
 * @returns what was done
 * @throws Error when there is no such key
 */
export async function changeOneValue(file: string, key: string): Promise<string> {
  const database = await BoltDatabase.open(file);
  try {
    const transaction = database.begin();
    let found: { revision: Buffer; kv: KeyValue } | undefined;
    transaction.scan('key', Buffer.alloc(0), undefined, (revision, value) => {
      const kv = KeyValue.decode(Buffer.from(value));
      if (Buffer.from(kv.key).toString('latin1') === key) found = { revision: Buffer.from(revision), kv };
    });
    if (found === undefined) throw new Error(`${file} has no key ${key}`);
    const value = Buffer.from(found.kv.value);
    value[0] = (value[0] ?? 0) ^ 1;
    transaction.put('key', found.revision, KeyValue.encode({ ...found.kv, value }));
    await transaction.commit();
    return `one bit of the value of ${key} changed`;
  } finally {
    await database.close();
  }
}

async function overwrite(file: string, position: number, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.write(bytes, 0, bytes.length, position);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
