import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatLine, openLog } from './logger.ts';
import { RotatingFile } from './rotating-file.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'etcdlab-log-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('a log line', () => {
  const at = Date.UTC(2026, 10, 20, 7, 7, 26, 654) * 1000 + 113;

  test('has upstream’s keys in upstream’s order', () => {
    const line = formatLine({ level: 'info', caller: 'etcd/main', msg: 'ready', fields: { name: 'a', n: 1 } }, at);
    expect(line).toBe(
      '{"level":"info","ts":"2026-11-20T07:07:26.654113Z","caller":"etcd/main","msg":"ready","name":"a","n":1}\n',
    );
  });

  test('writes ids beyond 53 bits as they are, and errors as their text', () => {
    const fields = { id: 18446744073709551615n, error: new Error('boom') };
    expect(formatLine({ level: 'warn', caller: 'c', msg: 'm', fields }, at)).toContain(
      '"id":18446744073709551615,"error":"boom"}',
    );
  });

  test('has a stack trace from level error on', () => {
    const fields = { error: new Error('boom') };
    expect(JSON.parse(formatLine({ level: 'error', caller: 'c', msg: 'm', fields }, at)).stacktrace).toContain('boom');
    expect(JSON.parse(formatLine({ level: 'warn', caller: 'c', msg: 'm', fields }, at)).stacktrace).toBeUndefined();
  });

  test('survives a field that refers to itself', () => {
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    expect(JSON.parse(formatLine({ level: 'info', caller: 'c', msg: 'm', fields: { loop } }, at)).msg).toBe('m');
  });

  test('stays one line whatever is in it', () => {
    expect(formatLine({ level: 'info', caller: 'c', msg: 'a\nb', fields: { f: 'c\nd' } }, at).split('\n')).toHaveLength(
      2,
    );
  });
});

describe('the log', () => {
  test('goes to each of its files, from its level on', () => {
    const files = ['a.log', 'b.log'].map((name) => path.join(directory, name));
    const { logger, close } = openLog({ level: 'warn', outputs: files });
    logger.info('too quiet');
    logger.at('raft/node').warn('lost leader', { term: 3 });
    logger.fatal('discovery failed');
    close();
    for (const file of files) {
      const lines = readFileSync(file, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(lines).toMatchObject([
        { level: 'warn', caller: 'raft/node', msg: 'lost leader', term: 3 },
        { level: 'fatal', msg: 'discovery failed' },
      ]);
      expect(lines[0].ts).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    }
  });

  test('that cannot be opened is refused by name', () => {
    expect(() => openLog({ level: 'info', outputs: ['/nonexistent/x'] })).toThrow(
      new Error('open sink "/nonexistent/x": open /nonexistent/x: no such file or directory'),
    );
  });
});

describe('a rotating file', () => {
  const file = (): string => path.join(directory, 'etcd.log');

  function clock(): () => Date {
    let seconds = 0;
    return () => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds++));
  }

  test('is put aside before it grows beyond its size, and loses no line', () => {
    const log = new RotatingFile(file(), { maxSizeBytes: 20, maxBackups: 0, maxAgeDays: 0 }, clock());
    for (let i = 0; i < 5; i++) log.write(`line number ${i}\n`);
    log.close();
    const names = readdirSync(directory).sort();
    expect(names).toHaveLength(5);
    expect(names[0]).toBe('etcd-2026-01-01T00-00-00.000.log');
    const lines = names.map((name) => readFileSync(path.join(directory, name), 'utf8'));
    expect(lines.join('')).toBe([0, 1, 2, 3, 4].map((i) => `line number ${i}\n`).join(''));
  });

  test('keeps as many old ones as it may', () => {
    const log = new RotatingFile(file(), { maxSizeBytes: 1, maxBackups: 2, maxAgeDays: 0 }, clock());
    for (let i = 0; i < 6; i++) log.write(`${i}\n`);
    log.close();
    const contents = readdirSync(directory).map((name) => readFileSync(path.join(directory, name), 'utf8'));
    expect(contents.sort()).toEqual(['3\n', '4\n', '5\n']);
  });

  test('removes the ones that are too old, and nothing else', () => {
    let now = Date.UTC(2026, 0, 1);
    const log = new RotatingFile(file(), { maxSizeBytes: 1, maxBackups: 0, maxAgeDays: 7 }, () => new Date(now));
    const other = new RotatingFile(path.join(directory, 'etcd-notes.log'), {
      maxSizeBytes: 1,
      maxBackups: 0,
      maxAgeDays: 0,
    });
    other.close();
    log.write('1\n');
    log.write('2\n');
    now += 8 * 86_400_000;
    log.write('3\n');
    log.close();
    expect(readdirSync(directory).sort()).toEqual(['etcd-2026-01-09T00-00-00.000.log', 'etcd-notes.log', 'etcd.log']);
  });
});
