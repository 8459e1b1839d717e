/** Damage that no checksum of a file shows: only a comparison with the other members does. */
import path from 'node:path';
import { BoltDatabase } from '../../server/bolt/mod.ts';
import { KeyValue } from '../../server/proto/gen/kv.ts';

/**
 * Changes one value in the database of a member that does not run.
 *
 * @param key its newest value becomes one of the same length
 * @throws Error when there is no such key
 */
export async function changeValue(dataDir: string, key: string): Promise<void> {
  const database = await BoltDatabase.open(path.join(dataDir, 'member/snap/db'));
  try {
    const transaction = database.begin();
    let found: { revision: Buffer; kv: KeyValue } | undefined;
    transaction.scan('key', Buffer.alloc(0), undefined, (revision, value) => {
      const kv = KeyValue.decode(Buffer.from(value));
      if (Buffer.from(kv.key).toString() === key) found = { revision: Buffer.from(revision), kv };
    });
    if (found === undefined) throw new Error(`${database.path} has no key ${key}`);
    const value = Buffer.from(found.kv.value).map((byte) => byte ^ 1);
    transaction.put('key', found.revision, KeyValue.encode({ ...found.kv, value }));
    await transaction.commit();
  } finally {
    await database.close();
  }
}
