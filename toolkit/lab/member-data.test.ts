import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nextState } from '../provision/up.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { parseConfig } from './config-file.ts';
import { Lab } from './lab.ts';
import { lostDataError, quorumIsLeft } from './member-data.ts';

const config = parseConfig('name: demo\nengine: { kind: upstream, path: /opt/etcd }', 'lab.yaml', '/');

/** A lab of which the named members have data. */
async function labWithData(folder: string, ...names: string[]): Promise<Lab> {
  const lab = await Lab.save(folder, nextState(undefined, config));
  for (const name of names) {
    const wal = join(lab.node(name).paths.data, 'member', 'wal');
    mkdirSync(wal, { recursive: true });
    writeFileSync(join(wal, '0000000000000000-0000000000000000.wal'), '');
  }
  return lab;
}

const lose = (lab: Lab, ...names: string[]): void => {
  for (const name of names) rmSync(lab.node(name).paths.data, { recursive: true });
};

describe('a member', () => {
  it('may be blank as long as it was never seen with data', async () => {
    const folder = scratchFolder();
    const lab = await labWithData(folder, 'node1');
    await lab.rememberData();
    expect(await lab.lostMembers()).toEqual([]);
    await lab.requireData('node2');
  });

  it('that had data and has none is refused, also by whoever opens the lab later and brings it up again', async () => {
    const folder = scratchFolder();
    const first = await labWithData(folder, 'node1', 'node2', 'node3');
    await first.rememberData();
    lose(first, 'node2');
    const lab = await Lab.save(folder, nextState((await Lab.open(folder, 'demo')).state, config));
    await lab.rememberData();
    expect(await lab.lostMembers()).toEqual([{ name: 'node2', folder: lab.node('node2').paths.data, isAlive: false }]);
    await expect(lab.start('node2')).rejects.toMatchObject({
      code: 'LAB_DATA_LOST',
      message: expect.stringMatching(/^node2 has lost its data/),
      advice: ['etcdlab replace node2'],
    });
    await lab.requireData('node1');
  });

  it('has lost its data as well when only its log is gone', async () => {
    const lab = await labWithData(scratchFolder(), 'node1', 'node2', 'node3');
    await lab.rememberData();
    rmSync(join(lab.node('node3').paths.data, 'member', 'wal'), { recursive: true });
    expect(await lab.hasLostData('node3')).toBe(true);
  });
});

describe('members that have lost their data', () => {
  it('cannot be replaced when a majority of them is gone: then a backup is restored', async () => {
    const lab = await labWithData(scratchFolder(), 'node1', 'node2', 'node3');
    await lab.rememberData();
    lose(lab, 'node1', 'node3');
    await expect(lab.requireData('node1')).rejects.toMatchObject({
      code: 'LAB_CLUSTER_LOST',
      exitCode: 3,
      message: expect.stringMatching(/^node1, node3 have lost their data: of 3 members no quorum is left/),
      advice: [expect.stringContaining('etcdlab restore'), expect.stringContaining('etcdlab destroy')],
    });
  });

  it('still serve while they run: what they hold is saved first', () => {
    const lost = ['node1', 'node2'].map((name) => ({ name, folder: '/data', isAlive: true }));
    expect(quorumIsLeft(3, lost)).toBe(true);
    expect(lostDataError(3, lost)).toMatchObject({
      code: 'LAB_DATA_LOST',
      advice: ['etcdlab backup create', 'etcdlab replace node1', 'etcdlab replace node2'],
    });
  });

  it.each([
    [1, 0, true],
    [1, 1, false],
    [2, 1, false],
    [3, 1, true],
    [4, 2, false],
    [5, 2, true],
  ])('leave a cluster of %i, when they are %i, with a quorum: %s', (members, count, expected) => {
    const lost = Array.from({ length: count }, (_, i) => ({ name: `node${i}`, folder: '', isAlive: false }));
    expect(quorumIsLeft(members, lost)).toBe(expected);
  });
});
