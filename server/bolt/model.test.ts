/** Any sequence of operations leaves a sound file with exactly what a plain map would hold. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { BoltDatabase, type ReadTx, type WriteTx } from './mod.ts';
import { bytes, type Contents, contentsOf, expectSound, openInMemory, smallPage } from './testing/databases.ts';

const bucket = fc.constantFrom('a', 'b', 'c');
const number = fc.nat(400);
const size = fc.oneof(
  { weight: 8, arbitrary: fc.nat(60) },
  { weight: 2, arbitrary: fc.nat(1200) },
  { weight: 1, arbitrary: fc.nat(9000) },
);

const operation = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('put' as const), bucket, number, size }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('fill' as const), bucket, number, count: fc.nat(300), size: fc.nat(80) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), bucket, number }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('clear' as const),
      bucket,
      number,
      count: fc.nat(300),
      step: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('commit' as const), wait: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rollback' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('view' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('close-view' as const), which: fc.nat(4) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** Keys of different lengths whose order as text is not that of their numbers; some fill half a page. */
function keyOf(n: number): string {
  return `${n}`.padEnd(n % 11 === 0 ? 500 : 1 + ((n * 13) % 40), 'k');
}

/** The database beside a plain object that should always hold the same. */
class Pair {
  committed: Contents = {};
  pending: Contents = {};
  views: { view: ReadTx; contents: Contents }[] = [];
  readonly fs: CrashFileSystem;
  private db: BoltDatabase;
  private tx: WriteTx;

  constructor(fs: CrashFileSystem, db: BoltDatabase) {
    this.fs = fs;
    this.db = db;
    this.tx = db.begin();
  }

  async run(op: Operation): Promise<void> {
    switch (op.kind) {
      case 'put':
        return this.put(op.bucket, op.number, op.size);
      case 'fill':
        for (let i = 0; i < op.count; i++) this.put(op.bucket, op.number + i, op.size);
        return;
      case 'delete':
        return this.delete(op.bucket, op.number);
      case 'clear':
        for (let i = 0; i < op.count; i += op.step) this.delete(op.bucket, op.number + i);
        return;
      case 'commit':
        return this.commit(op.wait);
      case 'rollback':
        this.tx.rollback();
        this.pending = structuredClone(this.committed);
        this.tx = this.db.begin();
        return;
      case 'reopen':
        return this.reopen();
      case 'view':
        if (this.views.length < 4) {
          this.views.push({ view: this.db.view(), contents: structuredClone(this.committed) });
        }
        return;
      case 'close-view':
        this.views.splice(op.which, 1)[0]?.view.close();
    }
  }

  async verify(): Promise<void> {
    expect(contentsOf(this.tx)).toEqual(this.pending);
    for (const { view, contents } of this.views) expect(contentsOf(view)).toEqual(contents);
    await expectSound(this.db);
  }

  async reopen(): Promise<void> {
    await this.verify();
    for (const { view } of this.views.splice(0)) view.close();
    await this.db.close();
    await expectSound(this.fs);
    this.db = await BoltDatabase.open('/db', { fs: this.fs, pageCacheBytes: 20 * smallPage });
    this.tx = this.db.begin();
    this.pending = structuredClone(this.committed);
    await this.verify();
  }

  private put(name: string, n: number, sizeBytes: number): void {
    const value = `${n}.`.repeat(Math.ceil(sizeBytes / 2)).slice(0, sizeBytes);
    this.tx.createBucket(name);
    this.tx.put(name, bytes(keyOf(n)), bytes(value));
    this.pending[name] ??= {};
    this.pending[name][keyOf(n)] = value;
  }

  private delete(name: string, n: number): void {
    if (this.pending[name] === undefined) return;
    this.tx.delete(name, bytes(keyOf(n)));
    delete this.pending[name][keyOf(n)];
    expect(this.tx.get(name, bytes(keyOf(n)))).toBeUndefined();
  }

  private async commit(wait: boolean): Promise<void> {
    const durable = this.tx.commit();
    this.committed = structuredClone(this.pending);
    this.tx = this.db.begin();
    await expectSound(this.db);
    if (wait) await durable;
  }
}

test('a database holds what was put into it, in every view of it and after every reopening', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 40, size: 'max' }), async (operations) => {
      const { fs, db } = await openInMemory(new CrashFileSystem());
      const pair = new Pair(fs, db);
      for (const op of operations) await pair.run(op);
      await pair.verify();
      await pair.run({ kind: 'commit', wait: true });
      await pair.reopen();
    }),
    { numRuns: Number(process.env.ETCDLAB_MODEL_RUNS ?? 40) },
  );
});
