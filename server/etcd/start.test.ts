import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataLock } from '../base/data-lock.ts';
import { silentLogger } from '../base/logger.ts';
import { readCommandLine, thisSystem } from './command-line.ts';
import { EtcdServer } from './start.ts';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'etcdlab-start-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

function newServer(): EtcdServer {
  const command = readCommandLine(
    [
      `--data-dir=${path.join(dir, 'data')}`,
      '--listen-client-urls=http://127.0.0.1:0',
      '--advertise-client-urls=http://127.0.0.1:0',
      '--listen-peer-urls=http://127.0.0.1:0',
      '--initial-advertise-peer-urls=http://127.0.0.1:1',
      '--initial-cluster=default=http://127.0.0.1:1',
    ],
    { ...thisSystem(), environment: {} },
  );
  if (command.kind !== 'start') throw new Error(command.stderr);
  return new EtcdServer(command.config, silentLogger);
}

/** Files below the data directory that this process has open; empty where the system does not tell. */
function openFiles(): string[] {
  if (!existsSync('/proc/self/fd')) return [];
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const file = readlinkSync(`/proc/self/fd/${fd}`);
      return file.startsWith(dir) ? [file] : [];
    } catch {
      // Closed in between: the listing itself is one.
      return [];
    }
  });
}

describe('a server that is stopped while it starts', () => {
  test.each([0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89])(
    'after %i turns of the event loop: nothing is open, and its data directory is free',
    async (turns) => {
      const server = newServer();
      const failures: Error[] = [];
      let outcome = 'still starting';
      server.start({ onFatal: (error) => failures.push(error), onRemoved: () => undefined }).then(
        () => {
          outcome = 'started';
        },
        (error: Error) => {
          outcome = error.message;
        },
      );
      for (let i = 0; i < turns; i++) await turn();
      await Promise.race([server.stop(), server.stop()]);
      await turn();
      expect(['started', 'the server is stopping']).toContain(outcome);
      expect(openFiles()).toEqual([]);
      expect(failures).toEqual([]);
      if (!existsSync(path.join(dir, 'data'))) return;
      const lock = new DataLock(path.join(dir, 'data'), { log: silentLogger });
      await lock.take();
      await lock.release();
    },
  );
});
