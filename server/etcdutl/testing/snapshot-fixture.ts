/** A small snapshot as a member would save it: etcd's buckets, some records, members of an old cluster. */
import { createHash } from 'node:crypto';
import { CrashFileSystem } from '../../base/testing/crash-file-system.ts';
import { BoltDatabase } from '../../bolt/mod.ts';
import { encodeRevision } from '../../mvcc/revision.ts';
import { KeyValue } from '../../proto/gen/kv.ts';

/** The revision that the fixture's store is at. */
export const fixtureRevision = 400;

/** @returns the database, and the snapshot file: the database with its SHA-256 */
export async function snapshotFixture(): Promise<{ database: Buffer; snapshot: Buffer }> {
  const fs = new CrashFileSystem();
  await fs.makeDirectory('/d');
  const db = await BoltDatabase.open('/d/db', { fs, create: true, pageSize: 4096 });
  const tx = db.begin();
  for (const bucket of ['alarm', 'auth', 'cluster', 'key', 'lease', 'members', 'members_removed', 'meta']) {
    tx.createBucket(bucket);
  }
  for (let main = 2; main <= fixtureRevision; main++) {
    const key = Buffer.from(`key/${main}`);
    const kv = { key, create_revision: main, mod_revision: main, version: 1, value: Buffer.alloc(100, main) };
    tx.put('key', encodeRevision(main, 0), KeyValue.encode(KeyValue.create(kv)));
  }
  tx.put('members', Buffer.from('aaaa'), Buffer.from('{"id":43690,"peerURLs":["http://10.0.0.1:2380"],"name":"old"}'));
  tx.put('members_removed', Buffer.from('bbbb'), Buffer.from('removed'));
  tx.put('meta', Buffer.from('consistent_index'), Buffer.from('00000000000003e8', 'hex'));
  await tx.commit();
  const view = db.view();
  const chunks: Uint8Array[] = [];
  for await (const chunk of db.image(view)) chunks.push(chunk);
  view.close();
  await db.close();
  const database = Buffer.concat(chunks);
  return { database, snapshot: Buffer.concat([database, createHash('sha256').update(database).digest()]) };
}

/** The files of a snapshot that are damaged, by what was done to them. */
export function damagedCopies(database: Buffer, snapshot: Buffer): Record<string, Buffer> {
  const flipped = (at: number): Buffer => {
    const copy = Buffer.from(snapshot);
    copy.writeUInt8(copy.readUInt8(at) ^ 0x10, at);
    return copy;
  };
  return {
    'one bit flipped in a value': flipped(snapshot.indexOf('key/300') + 20),
    'one bit flipped in the first meta page': flipped(30),
    'one bit flipped in the hash': flipped(snapshot.length - 1),
    'its last page cut out': Buffer.concat([database.subarray(0, -4096), snapshot.subarray(-32)]),
    'its second half missing': snapshot.subarray(0, Math.floor(snapshot.length / 2)),
    'its last 100 bytes missing': snapshot.subarray(0, -100),
    'its last 512 bytes missing': snapshot.subarray(0, -512),
    'a byte too many': Buffer.concat([snapshot, Buffer.of(0)]),
    'only zeros': Buffer.alloc(snapshot.length),
    nothing: Buffer.alloc(0),
    'too few bytes': snapshot.subarray(0, 3000),
  };
}
