/** Drills through the command, on members of our own. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { specifyRestoreDrill } from '../support/restore-drill-spec.ts';
import { TestLab } from '../support/test-lab.ts';

describe('the drill `restore` on the built-in engine', () => specifyRestoreDrill(() => ({})));

describe('etcdlab drill', () => {
  let lab: TestLab;
  beforeAll(async () => {
    lab = await TestLab.up();
  });
  afterAll(() => lab?.close());

  const drillFile = (change: (text: string) => string): string => {
    lab.write(
      'own.yaml',
      change(`title: Own
teaches: something
prepare:
  - write-dataset: { keys: 200 }
backup:
  - take-snapshot
  - write-after-snapshot
disaster: [destroy-all-members]
recover: [restore-all-members, start-all-members]
`),
    );
    return 'own.yaml';
  };
  /** Runs what must be refused. @returns the exit code and what is on the screen */
  const refused = async (...args: string[]) => {
    const before = lab.listing();
    const { exitCode, stdout, stderr } = await lab.run(...args);
    expect(lab.listing()).toEqual(before);
    expect(stdout).toBe('');
    expect(await lab.status()).toMatchObject({ healthy: true });
    return { exitCode, stderr };
  };

  test('lists the drills there are', async () => {
    expect(await lab.must('drill', 'list')).toMatch(/^restore +Full restore of the cluster from a snapshot$/m);
    expect(JSON.parse(await lab.must('drill', 'list', '--json'))).toContainEqual(
      expect.objectContaining({ name: 'restore', teaches: expect.any(String) }),
    );
  });

  test('is refused where nobody can be asked and --yes was not given, and touches nothing', async () => {
    const { exitCode, stderr } = await refused('drill', 'run', 'restore');
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/must be confirmed.*\(LAB_NOT_CONFIRMED\)\n {2}try: etcdlab drill run restore --yes/);
    expect(stderr).not.toContain('for good');
    const { stderr: ofAuthorities } = await refused('drill', 'run', 'lost-ca-key');
    expect(ofAuthorities).toMatch(/must be confirmed.*certificate authorities are replaced by new ones for good/);
  });

  test.each<[string, string[], RegExp]>([
    ['an unknown drill', ['nope'], /there is no drill 'nope'.*\n {2}try: drills: .*, restore/],
    ['a file that is not there', ['nope.yaml'], /nope\.yaml: there is no such file/],
    [
      'a data set that is no number',
      ['restore', '--keys', 'many'],
      /--keys takes a whole number from 1 to 9999999, not 'many'/,
    ],
    ['a data set that is too small', ['restore', '--keys', '7'], /write-dataset: keys: .*100/],
  ])('refuses %s and touches nothing', async (_, args, message) => {
    const { exitCode, stderr } = await refused('drill', 'run', ...args, '--yes');
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
  });

  test.each<[string, (text: string) => string, RegExp]>([
    ['YAML that is none', (text) => text.replace('Own', '[Own'), /own\.yaml:2:1: /],
    ['an unknown key', (text) => `${text}vrfy: []\n`, /own\.yaml:10:1: unknown key vrfy/],
    ['a phase that is missing', (text) => text.replace(/^recover.*\n/m, ''), /own\.yaml:1:1: recover: is missing/],
    ['an unknown step', (text) => text.replace('- take-snapshot', '- take-snap'), /own\.yaml:6:5: .*take-snap\b/],
    ['an unknown parameter', (text) => text.replace('keys: 200', 'kyes: 1'), /own\.yaml:4:5: write-dataset: .*kyes/],
    ['a bad parameter', (text) => text.replace('200', '-1'), /own\.yaml:4:5: write-dataset: keys: /],
    [
      'a step that is none',
      (text) => text.replace('- take-snapshot', '- 7'),
      /own\.yaml:6:5: .*must be the name of a step/,
    ],
    [
      'steps in a wrong order',
      (text) =>
        text
          .replace('[restore-all-members, start', '[start-all-members, restore')
          .replace('[destroy-all-members]', '[start-all-members]'),
      /own\.yaml:9:30: restore-all-members must come after destroy-all-members/,
    ],
    [
      'a drill that would prove nothing',
      (text) => text.replace('  - write-after-snapshot\n', ''),
      /own\.yaml:8:32: the drill proves nothing without write-after-snapshot/,
    ],
  ])('refuses a file with %s, says where, and touches nothing', async (_, change, message) => {
    const file = drillFile(change);
    const { exitCode, stderr } = await refused('drill', 'run', file, '--yes');
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^error: .*\(LAB_DRILL_FILE\)/);
    expect(exitCode).toBe(2);
  });

  test('is refused on a lab that is not healthy, says what is wrong, and writes nothing', async () => {
    await lab.must('down');
    const before = lab.listing();
    const { exitCode, stdout, stderr } = await lab.run('drill', 'run', 'restore', '--yes');
    expect(lab.listing()).toEqual(before);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
    expect(stderr).toMatch(/not healthy.*\n +node1 is stopped(.|\n)*try: etcdlab up/);
    await lab.must('up');
  });

  test('is refused where there is no lab', async () => {
    const other = await TestLab.create();
    try {
      const { exitCode, stderr } = await other.run('drill', 'run', 'restore', '--yes');
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/there is no lab 'test'.*\n {2}try: etcdlab up/);
      expect(Object.keys(other.listing())).toEqual(['lab.yaml']);
    } finally {
      rmSync(other.folder, { recursive: true });
    }
  });
});
