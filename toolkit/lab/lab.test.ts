import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nextState } from '../provision/up.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { parseConfig } from './config-file.ts';
import { Lab } from './lab.ts';
import { labPaths, removeLabFolder } from './state.ts';

const config = parseConfig('name: demo\nengine: { kind: upstream, path: /opt/etcd }', 'lab.yaml', '/');

describe('a lab', () => {
  it('is missing before it was brought up', async () => {
    await expect(Lab.open(scratchFolder(), 'demo')).rejects.toMatchObject({ code: 'LAB_MISSING' });
  });

  it('is found again as it was saved, in folders for its owner only', async () => {
    const folder = scratchFolder();
    const saved = await Lab.save(folder, nextState(undefined, config));
    const opened = await Lab.open(folder, 'demo');
    expect(opened.state).toEqual(saved.state);
    expect(opened.endpoints()).toEqual([
      'https://127.0.0.1:2379',
      'https://127.0.0.1:22379',
      'https://127.0.0.1:32379',
    ]);
    expect(opened.engine.etcdutl).toBe('/opt/etcd/etcdutl');
    for (const path of [opened.paths.root, opened.paths.pki]) expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(opened.paths.stateFile).mode & 0o777).toBe(0o600);
  });

  it('names the file when its state is damaged, and says what to do', async () => {
    const folder = scratchFolder();
    mkdirSync(join(folder, 'demo'));
    writeFileSync(labPaths(folder, 'demo').stateFile, '{"version":1}');
    await expect(Lab.open(folder, 'demo')).rejects.toMatchObject({
      code: 'LAB_STATE',
      message: expect.stringContaining('state.json is damaged'),
      advice: [expect.stringContaining('etcdlab destroy')],
    });
  });

  it('names the nodes it has when it is asked for another', async () => {
    const lab = await Lab.save(scratchFolder(), nextState(undefined, config));
    expect(() => lab.node('node4')).toThrow("lab 'demo' has no node 'node4'; it has node1, node2, node3");
    expect(() => lab.endpoints('node2', 'nope')).toThrow(/no node 'nope'/);
  });

  it('keeps how its members found each other, whatever lab.yaml says later', () => {
    const first = nextState(undefined, config);
    const second = nextState(first, { ...config, engine: { kind: 'built-in' } });
    expect(second).toEqual({ ...first, engine: { kind: 'built-in' } });
    expect(nextState(undefined, config).bootstrap.node1?.token).not.toBe(first.bootstrap.node1?.token);
  });

  it('remembers a changed bootstrap of one member, and writes it to its host', async () => {
    const folder = scratchFolder();
    const lab = await Lab.save(folder, nextState(undefined, config));
    expect(await lab.configure('node1')).toBe(true);
    expect(await lab.configure('node1')).toBe(false);
    expect(await lab.configure('node1', { token: 'restored', clusterState: 'existing' })).toBe(true);
    const again = await Lab.open(folder, 'demo');
    expect(again.bootstrap('node1')).toMatchObject({ token: 'restored', clusterState: 'existing' });
    expect(again.bootstrap('node2').token).toMatch(/^demo-[0-9a-f]{8}$/);
    expect(readFileSync(again.node('node1').paths.configFile, 'utf8')).toContain('initial-cluster-token: "restored"');
  });

  it('remembers the bootstraps of members that are configured at the same time', async () => {
    const folder = scratchFolder();
    const lab = await Lab.save(folder, nextState(undefined, config));
    for (let round = 0; round < 20; round++) {
      await Promise.all(lab.nodes.map(({ name }) => lab.configure(name, { token: `${name}-${round}` })));
      const again = await Lab.open(folder, 'demo');
      expect(again.nodes.map(({ name }) => again.bootstrap(name).token)).toEqual(
        lab.nodes.map(({ name }) => `${name}-${round}`),
      );
    }
  });

  it('is removed as a whole, and with it the folder of all labs if it was the last', async () => {
    const folder = join(scratchFolder(), '.etcdlab');
    const lab = await Lab.save(folder, nextState(undefined, config));
    const other = await Lab.save(folder, { ...nextState(undefined, config), name: 'other' });
    await removeLabFolder(lab.paths.root);
    expect(statSync(other.paths.root).isDirectory()).toBe(true);
    await removeLabFolder(other.paths.root);
    expect(statSync(folder, { throwIfNoEntry: false })).toBeUndefined();
    await removeLabFolder(other.paths.root);
  });
});
