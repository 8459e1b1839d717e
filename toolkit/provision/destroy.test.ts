import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { labPaths } from '../lab/state.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { labContents } from './destroy.ts';

describe('what a lab folder may hold', () => {
  const paths = () => labPaths(scratchFolder(), 'demo');

  it('is every file and folder of a lab, also what an interruption has left', async () => {
    const lab = paths();
    const own = Object.values<string>({ ...lab }).filter((file) => dirname(file) === lab.root);
    expect(own.map((file) => basename(file))).toContain('engine-switch.json');
    mkdirSync(lab.root);
    // Without the file that only a lab on machines has, a damaged state is no reason to refuse.
    for (const file of own) if (file !== lab.knownHostsFile) writeFileSync(file, '');
    expect(await labContents(lab)).toMatchObject({ members: [] });
  });

  it('is nothing else', async () => {
    const lab = paths();
    mkdirSync(lab.root);
    writeFileSync(join(lab.root, 'thesis.tex'), '');
    await expect(labContents(lab)).rejects.toMatchObject({ code: 'LAB_NOT_A_LAB' });
  });
});
