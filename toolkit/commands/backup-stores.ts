/** Where the backups of a lab are kept, as lab.yaml and flags say it. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { BackupStore, type Backups } from '../../drills/backup/backup-store.ts';
import { ForeignBackups } from '../../drills/backup/foreign-backups.ts';
import { openStore } from '../../drills/backup/stores/mod.ts';
import { LabError } from '../errors.ts';
import { type BackupsConfig, parseStoreLocation, type StoreLocation } from '../lab/backup-config.ts';
import type { Lab } from '../lab/lab.ts';
import { type Cli, type CommonOptions, describedLab } from './cli.ts';

export interface StoreOptions extends CommonOptions {
  readonly store?: string;
  readonly identityFile?: string;
}

export function withStoreOptions(command: Command): Command {
  return command
    .option(
      '--store <where>',
      'where backups are kept, instead of lab.yaml: local, a folder (/… or ./…), s3://BUCKET/PREFIX, sftp://USER@HOST/FOLDER',
    )
    .option('--identity-file <path>', 'file with the secret key that backups are encrypted to');
}

/**
 * Opens the lab's backups, and closes them when the work is done. Nothing is connected to for those in the lab's own folder.
 *
 * @throws LabError LAB_USAGE for a store or a key file that is none; as `openStore`, and what `work` throws
 */
export async function withBackups<T>(
  cli: Cli,
  options: StoreOptions,
  lab: Lab,
  work: (backups: Backups) => Promise<T>,
): Promise<T> {
  const { config } = await describedLab(cli, options);
  const backups = await openBackups(cli, options, lab, config.backups ?? {});
  try {
    return await work(backups);
  } finally {
    await backups.close();
  }
}

async function openBackups(cli: Cli, options: StoreOptions, lab: Lab, config: BackupsConfig): Promise<Backups> {
  const location = options.store === undefined ? config.store : namedStore(cli, options.store);
  if (location === undefined || location.kind === 'local') return new BackupStore(lab.paths.backups);
  const identityFile = options.identityFile ?? config.identityFile;
  return new ForeignBackups({
    store: await openStore(location, config, lab.paths.knownHostsFile),
    lab: lab.name,
    scratch: join(lab.paths.backups, '.fetched'),
    recipient: config.recipient,
    identity: identityFile === undefined ? undefined : await readIdentity(cli, identityFile),
    signal: cli.signal,
  });
}

/** @throws LabError LAB_USAGE */
export function namedStore(cli: Cli, text: string): StoreLocation {
  const parsed = parseStoreLocation(text);
  if (typeof parsed === 'string') throw new LabError('LAB_USAGE', `--store: ${parsed}`);
  if (parsed.kind !== 'folder') return parsed;
  const path = parsed.path.startsWith('~/') ? join(homedir(), parsed.path.slice(2)) : parsed.path;
  return { kind: 'folder', path: resolve(cli.io.workingDirectory, path) };
}

/**
 * Reads an age secret key: one never stands on a command line, where every process can read it.
 *
 * @throws LabError LAB_USAGE
 */
export async function readIdentity(cli: Cli, file: string): Promise<string> {
  const text = await readFile(resolve(cli.io.workingDirectory, file), 'utf8').catch((cause) => {
    throw new LabError('LAB_USAGE', `${file} cannot be read`, { cause });
  });
  const identity = /^AGE-SECRET-KEY-[A-Z0-9-]+$/m.exec(text)?.[0];
  if (identity !== undefined) return identity;
  throw new LabError('LAB_USAGE', `${file} holds no age secret key`, { advice: 'age-keygen makes such a file' });
}
