/** A cluster of whole servers within the test's own process. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { freePorts } from '../../../test/support/test-cluster.ts';
import { silentLogger } from '../../base/logger.ts';
import { readCommandLine, thisSystem } from '../command-line.ts';
import { EtcdServer } from '../start.ts';

export interface StartedMembers {
  /** Each member's data is in a folder of its name below it: `m1`, `m2`. */
  readonly directory: string;
  readonly clientUrls: readonly string[];
  close(): Promise<void>;
}

/** @param flags more flags for each member */
export async function startMembers(count: number, scheme: 'http' | 'https', flags: string[]): Promise<StartedMembers> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryToStart(count, scheme, flags);
    } catch (error) {
      // Ports that were free a moment ago may be somebody else's by now.
      if (attempt === 5 || !(error as Error).message.includes('address already in use')) throw error;
    }
  }
}

async function tryToStart(count: number, scheme: string, flags: string[]): Promise<StartedMembers> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'etcdlab-members-'));
  const urls = (await freePorts(2 * count)).map((port) => `${scheme}://127.0.0.1:${port}`);
  const clientUrls = urls.slice(0, count);
  const peerUrls = urls.slice(count);
  const servers = clientUrls.map((clientUrl, i) => {
    const command = readCommandLine(
      [
        ...[`--name=m${i + 1}`, `--data-dir=${path.join(directory, `m${i + 1}`)}`],
        ...[`--listen-client-urls=${clientUrl}`, `--advertise-client-urls=${clientUrl}`],
        ...[`--listen-peer-urls=${peerUrls[i]}`, `--initial-advertise-peer-urls=${peerUrls[i]}`],
        `--initial-cluster=${peerUrls.map((peerUrl, k) => `m${k + 1}=${peerUrl}`).join()}`,
        ...flags,
      ],
      { ...thisSystem(), environment: {} },
    );
    if (command.kind !== 'start') throw new Error(command.stderr);
    return new EtcdServer(command.config, silentLogger);
  });
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await Promise.all(servers.map((server) => server.start({ onFatal: () => {}, onRemoved: () => {} })));
  } catch (error) {
    await close();
    throw error;
  }
  return { directory, clientUrls, close };
}
