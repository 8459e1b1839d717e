import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { hintWriter } from './hints.ts';

const program = new Command('etcdlab');
program.command('up');
program.command('replace <node>');
program.command('down');
program.command('backup').command('create').option('--store <where>').option('--identity-file <path>');

describe('a command in a text', () => {
  it('stays as it is when that is what the user has typed', () => {
    const text = 'try: etcdlab up, or eval "$(etcdlab --help)"';
    expect(hintWriter(program)(text)).toBe(text);
  });

  it('is started as the user has started this one', () => {
    expect(hintWriter(program, 'npx etcdlab')('npx etcdlab up')).toBe('npx etcdlab up');
    expect(hintWriter(program, 'npx etcdlab')('`etcdlab up` or etcdlab --help')).toBe(
      '`npx etcdlab up` or npx etcdlab --help',
    );
  });

  it('means the same lab, whatever follows', () => {
    const complete = hintWriter(program, 'etcdlab', { name: 'other', stateDir: '/my labs' });
    const which = "--state-dir '/my labs' --name other";
    expect(complete('etcdlab up starts it; etcdlab replace node2')).toBe(
      `etcdlab up ${which} starts it; etcdlab replace ${which} node2`,
    );
    expect(complete('etcdlab backup create')).toBe(`etcdlab backup create ${which}`);
    expect(complete('etcdlab --help')).toBe('etcdlab --help');
  });

  it('means the same store, where the command takes one', () => {
    const complete = hintWriter(program, 'etcdlab', { store: './my backups', identityFile: 'key.txt' });
    expect(complete('etcdlab backup create, then etcdlab up')).toBe(
      "etcdlab backup create --store './my backups' --identity-file key.txt, then etcdlab up",
    );
  });

  it('that shows the help of a command is left with it', () => {
    const complete = hintWriter(program, 'npx etcdlab', { name: 'other' });
    expect(complete('etcdlab backup --help')).toBe('npx etcdlab backup --help');
    expect(complete('etcdlab backup create --help')).toBe('npx etcdlab backup create --help');
  });

  it('keeps the lab that it names itself', () => {
    expect(hintWriter(program, 'npx etcdlab', { name: 'other' })('etcdlab down --name lab')).toBe(
      'npx etcdlab down --name lab',
    );
  });

  it('is none where the program is only spoken of', () => {
    const text = 'written by another version of etcdlab upon /x/etcdlab up; etcdlab uptime; etcdlab is a lab';
    expect(hintWriter(program, 'npx etcdlab', { name: 'other' })(text)).toBe(text);
  });
});
