import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytes, openInMemory, revisionKey } from './testing/databases.ts';

const revision = fc.nat(600);
const revisions = fc.array(revision, { maxLength: 60 });
/** Runs of neighbours, as ranges ask for, from anywhere. */
const run = fc.tuple(revision, fc.nat(30), fc.constantFrom(1, -1));

test('a finder tells of every key what `get` does, in whatever order it is asked', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({ stored: revisions, fill: fc.nat(600), put: revisions, deleted: revisions, asked: fc.array(run) }),
      async ({ stored, fill, put, deleted, asked }) => {
        const { db } = await openInMemory();
        const before = db.begin();
        before.createBucket('b');
        for (const n of [...stored, ...Array(fill).keys()]) before.put('b', revisionKey(n), bytes(`stored ${n}`));
        await before.commit();
        const tx = db.begin();
        for (const n of put) tx.put('b', revisionKey(n), bytes(`put ${n}`));
        for (const n of deleted) tx.delete('b', revisionKey(n));
        const finder = tx.finder('b');
        for (const [from, length, step] of asked) {
          for (let i = 0; i <= length; i++) {
            const key = revisionKey(Math.max(0, from + i * step));
            const found = finder.find(key)
              ? finder.bytes.subarray(finder.start, finder.start + finder.sizeBytes).toString()
              : undefined;
            expect(found).toBe(tx.get('b', key)?.toString());
          }
        }
        await db.close();
      },
    ),
    { numRuns: 60, interruptAfterTimeLimit: 4000 },
  );
});
