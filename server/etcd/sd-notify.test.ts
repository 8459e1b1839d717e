import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Logger, type LogRecord, silentLogger } from '../base/logger.ts';
import { notifyReady } from './sd-notify.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'etcdlab-notify-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function program(script: string): string {
  const file = path.join(directory, 'systemd-notify');
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

function recorder(): { logger: Logger; records: LogRecord[] } {
  const records: LogRecord[] = [];
  return { records, logger: new Logger({ enabled: () => true, write: (record) => records.push(record) }, '') };
}

describe('notifyReady', () => {
  test('does nothing when nobody waits', async () => {
    const never = program(`echo called > ${directory}/called`);
    expect(await notifyReady({ environment: {}, logger: silentLogger, program: never })).toBe(false);
    expect(() => readFileSync(path.join(directory, 'called'))).toThrow();
  });

  test('sends ready in the name of this process', async () => {
    const notify = program(`echo "$NOTIFY_SOCKET $*" > ${directory}/called`);
    const environment = { NOTIFY_SOCKET: '/run/notify', PATH: process.env.PATH, SECRET: 'x' };
    expect(await notifyReady({ environment, logger: silentLogger, program: notify })).toBe(true);
    expect(readFileSync(path.join(directory, 'called'), 'utf8')).toBe(`/run/notify --ready --pid=${process.pid}\n`);
  });

  test.each([
    ['is not installed', '/nonexistent/systemd-notify', 'is not installed'],
    ['fails', 'echo no such socket >&2; exit 1', 'no such socket'],
  ])('warns and goes on when the program %s', async (_what, script, reason) => {
    const { logger, records } = recorder();
    const missing = script.startsWith('/') ? script : program(script);
    expect(await notifyReady({ environment: { NOTIFY_SOCKET: '/run/notify' }, logger, program: missing })).toBe(false);
    expect(records).toMatchObject([{ level: 'warn', msg: 'failed to notify init daemon of readiness' }]);
    expect(records[0]?.fields?.error).toContain(reason);
  });

  test('does not wait for a program that hangs', async () => {
    const { logger, records } = recorder();
    const environment = { NOTIFY_SOCKET: '/run/notify' };
    expect(await notifyReady({ environment, logger, program: program('exec sleep 600'), timeoutMs: 50 })).toBe(false);
    expect(records).toHaveLength(1);
  });
});
