import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseConfig } from '../../toolkit/lab/config-file.ts';
import { Lab } from '../../toolkit/lab/lab.ts';
import { nextState } from '../../toolkit/provision/up.ts';
import { undoInterruptedDrill } from './interrupted.ts';
import { Journal } from './journal.ts';

let folder: string;
let lab: Lab;

/** A lab of two members that do not run, each with a data directory that says whose it is. */
beforeEach(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'etcdlab-test-'));
  for (const program of ['etcd', 'etcdctl', 'etcdutl']) writeFileSync(path.join(folder, program), '');
  const engine = JSON.stringify({ kind: 'upstream', path: folder });
  const nodes = '[{ name: a, clientPort: 1, peerPort: 2 }, { name: b, clientPort: 3, peerPort: 4 }]';
  lab = await Lab.save(
    folder,
    nextState(undefined, parseConfig(`engine: ${engine}\nnodes: ${nodes}`, 'lab.yaml', folder)),
  );
  for (const { name, paths } of lab.nodes) writeData(paths.data, `${name} before`);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function writeData(directory: string, content: string): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, 'db'), content);
}

const aside = (name: string): string => `${lab.node(name).paths.data}.before-run1`;
const content = (name: string): string => readFileSync(path.join(lab.node(name).paths.data, 'db'), 'utf8');
const around = (name: string): string[] =>
  readdirSync(lab.node(name).paths.root).filter((file) => file.startsWith('data') || file.startsWith('restore'));
/** What the next command finds. */
const reopened = (): Promise<Journal> => Journal.open(lab);

/** A drill that has moved the data of some members aside, and restored others in its place. */
async function interruptedDrill(moved: string[], restored: string[]): Promise<Journal> {
  const journal = await Journal.open(lab);
  await journal.begin(lab, 'run1');
  for (const name of moved) renameSync(lab.node(name).paths.data, aside(name));
  for (const name of restored) {
    writeData(lab.node(name).paths.data, `${name} restored`);
    await lab.configure(name, { token: 'new' });
  }
  return journal;
}

describe('the journal of a drill', () => {
  test('knows where keys lie that were taken away', async () => {
    const journal = await Journal.open(lab);
    const files = [
      { path: path.join(folder, 'client-ca-key.pem'), aside: path.join(folder, 'lost/client-ca-key.pem') },
    ];
    await journal.beginRepair(lab, 'run1', { files });
    expect((await reopened()).keysAside).toEqual({ 'client-ca-key.pem': files[0]?.aside });
  });

  test('knows the backup whose restore was begun, until that has ended or is undone', async () => {
    const journal = await Journal.open(lab);
    await journal.begin(lab, 'run1', '20261120-081500');
    expect(await reopened()).toMatchObject({ runId: 'run1', restoring: '20261120-081500', hasServed: false });
    await journal.serving();
    expect(await reopened()).toMatchObject({ restoring: '20261120-081500', hasServed: true });
    await undoInterruptedDrill(lab);
    expect((await reopened()).restoring).toBeUndefined();
    await (await reopened()).begin(lab, 'run2');
    expect((await reopened()).restoring).toBeUndefined();
  });

  test('does not take old data that is being put back for a restore to go on with', async () => {
    const journal = await Journal.open(lab);
    await journal.begin(lab, 'run1', '20261120-081500');
    await journal.serving();
    lab.node('b').host.service.stop = () => Promise.reject(new Error('killed'));
    await expect(journal.rollBack(lab, true, AbortSignal.timeout(10_000))).rejects.toThrow('killed');
    expect(await reopened()).toMatchObject({ isOpen: true, restoring: undefined, hasServed: true });
  });

  test('says nothing when no drill was interrupted', async () => {
    expect(await undoInterruptedDrill(lab)).toBeUndefined();
    expect(content('a')).toBe('a before');
  });

  test.each<[string, string[], string[]]>([
    ['before anything was moved', [], []],
    ['between two members', ['a'], []],
    ['when all was moved', ['a', 'b'], []],
    ['when one was restored', ['a', 'b'], ['b']],
    ['when all were restored', ['a', 'b'], ['a', 'b']],
  ])('puts everything back when it was interrupted %s', async (_, moved, restored) => {
    const token = lab.bootstrap('b').token;
    await interruptedDrill(moved, restored);
    lab = await Lab.open(folder, lab.name);
    expect(await undoInterruptedDrill(lab)).toMatchObject({ keptWrites: {} });
    for (const name of ['a', 'b']) {
      expect(content(name)).toBe(`${name} before`);
      expect(around(name)).toEqual(['data']);
      expect(lab.bootstrap(name).token).toBe(token);
    }
    expect(await undoInterruptedDrill(lab)).toBeUndefined();
  });

  test('removes what a restore that was cut off has left', async () => {
    await interruptedDrill(['a', 'b'], []);
    const { root, data } = lab.node('a').paths;
    writeData(`${data}.restore-0badcafe`, 'half made');
    writeFileSync(path.join(root, 'restore-run1.db'), 'a copy of the snapshot');
    writeFileSync(path.join(root, 'restore-run1.db.77-1.tmp'), 'half a copy of it');
    await undoInterruptedDrill(lab);
    expect(around('a')).toEqual(['data']);
  });

  test('goes on with putting back where that was interrupted', async () => {
    await interruptedDrill(['a', 'b'], ['a', 'b']);
    // As far as it came: the restored data of a is out of the way, nothing is in its place.
    renameSync(lab.node('a').paths.data, `${lab.node('a').paths.data}.failed-run1`);
    await undoInterruptedDrill(lab);
    expect([content('a'), content('b')]).toEqual(['a before', 'b before']);
    expect(around('a')).toEqual(['data']);
  });

  test('keeps what the members have served since, and says where', async () => {
    const journal = await interruptedDrill(['a', 'b'], ['a', 'b']);
    await journal.serving();
    const keptOf = (name: string): string => `${lab.node(name).paths.data}.after-run1`;
    // As far as an earlier attempt came: the restored data of a is kept, nothing is in its place.
    renameSync(lab.node('a').paths.data, keptOf('a'));
    expect(await undoInterruptedDrill(lab)).toMatchObject({ keptWrites: { a: keptOf('a'), b: keptOf('b') } });
    expect([content('a'), content('b')]).toEqual(['a before', 'b before']);
    for (const name of ['a', 'b']) {
      expect(readFileSync(path.join(keptOf(name), 'db'), 'utf8')).toBe(`${name} restored`);
      expect(around(name)).toEqual(['data', 'data.after-run1']);
    }
  });

  test('never puts back data of a proved drill, which may be half removed', async () => {
    const journal = await interruptedDrill(['a', 'b'], ['a', 'b']);
    const { host } = lab.node('b');
    host.remove = () => Promise.reject(new Error('killed'));
    await expect(journal.discard(lab)).rejects.toThrow('killed');
    lab = await Lab.open(folder, lab.name);
    expect((await reopened()).isSettled).toBe(true);
    expect(await undoInterruptedDrill(lab)).toBeUndefined();
    expect([content('a'), content('b')]).toEqual(['a restored', 'b restored']);
    expect([around('a'), around('b')]).toEqual([['data'], ['data']]);
    expect((await reopened()).isOpen).toBe(false);
  });

  test('leaves the data of a disproved drill where it was moved to', async () => {
    const journal = await interruptedDrill(['a', 'b'], ['a', 'b']);
    await journal.close();
    expect(around('a')).toEqual(['data', 'data.before-run1']);
    expect(await undoInterruptedDrill(lab)).toBeUndefined();
  });

  test('that cannot be read stops everything, and says where the data is', async () => {
    await interruptedDrill(['a'], []);
    writeFileSync(path.join(lab.paths.root, 'drill-journal.json'), '{');
    await expect(undoInterruptedDrill(lab)).rejects.toMatchObject({
      code: 'LAB_STATE',
      advice: [expect.stringContaining('data.*')],
    });
    expect(around('a')).toEqual(['data.before-run1']);
  });
});
