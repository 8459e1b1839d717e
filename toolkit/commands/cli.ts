/** What every command is given: streams, environment, the user interface, and where the lab is. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import type { Command } from 'commander';
import { ExitCode } from '../errors.ts';
import type { LabConfig } from '../lab/config.ts';
import { type ConfigOverrides, loadConfig } from '../lab/config-file.ts';
import { Lab } from '../lab/lab.ts';
import { isLockFile, LabLock } from '../lab/lock.ts';
import { type LabPaths, labPaths, removeLabFolder } from '../lab/state.ts';
import { type OutputStream, Ui } from '../output/ui.ts';
import { commandVariable, hintWriter } from './hints.ts';

export interface CliIo {
  readonly stdin: Readable & { readonly isTTY?: boolean | undefined };
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
}

/** One run of the program. */
export interface Cli {
  readonly io: CliIo;
  /** Fires when the user interrupts. */
  readonly signal: AbortSignal;
  ui: Ui;
  exitCode: number;
  /** The labs that the command has opened; closed when it ends, since a connection keeps the program alive. */
  readonly opened: Lab[];
}

/** Options that every command has. */
export interface CommonOptions {
  readonly file?: string;
  readonly name?: string;
  readonly stateDir?: string;
  readonly json?: boolean;
}

/** A command adds itself to the program. */
export type RegisterCommand = (program: Command, cli: Cli) => void;

/** Adds the options that every command has. */
export function withCommonOptions(command: Command): Command {
  return command
    .option('--file <path>', 'description of the lab (default: $ETCDLAB_FILE, or lab.yaml if there is one)')
    .option(
      '--name <name>',
      'name of the lab, instead of the one in the file (default: $ETCDLAB_NAME); seat3 has ports 30 further up',
    )
    .option('--state-dir <folder>', 'where labs are kept (default: $ETCDLAB_STATE_DIR, or .etcdlab beside the file)')
    .option('--json', 'write JSON: one object a line for long work, one document for listings');
}

/**
 * Adds a command with the common options.
 * @param action its options and arguments; returns an exit code unless it is 0
 */
export function addCommand<Options extends CommonOptions>(
  parent: Command,
  cli: Cli,
  usage: string,
  summary: string,
  action: (options: Options, args: string[]) => Promise<number | undefined>,
): Command {
  return withCommonOptions(parent.command(usage).summary(summary).description(summary)).action(
    async (...received: unknown[]) => {
      const command = received.at(-1) as Command;
      const options = command.opts<Options>();
      const { stdout, stderr, environment } = cli.io;
      const complete = hintWriter(programOf(command), environment[commandVariable], options);
      cli.ui = new Ui(Ui.modeFor(options.json === true, stdout), stdout, stderr, undefined, complete);
      cli.exitCode = (await action(options, command.args)) ?? ExitCode.ok;
    },
  );
}

function programOf(command: Command): Command {
  return command.parent === null ? command : programOf(command.parent);
}

/** What the option of that name does, wherever it is. */
export const acceptNewHostKeys = 'trust the SSH host keys of machines that were never met before';

/** Where a lab is, whether or not it was brought up. */
export interface LabLocation {
  readonly name: string;
  /** The folder that holds all labs. */
  readonly stateDirectory: string;
  readonly paths: LabPaths;
}

/** @returns lab.yaml, if there is one */
export function configPath(cli: Cli, options: CommonOptions): string | undefined {
  const chosen = options.file ?? cli.io.environment.ETCDLAB_FILE;
  if (chosen) return resolve(cli.io.workingDirectory, chosen);
  const path = join(cli.io.workingDirectory, 'lab.yaml');
  return existsSync(path) ? path : undefined;
}

function location(cli: Cli, options: CommonOptions, name: string): LabLocation {
  const chosen = options.stateDir ?? cli.io.environment.ETCDLAB_STATE_DIR;
  const path = configPath(cli, options);
  const stateDirectory = chosen
    ? resolve(cli.io.workingDirectory, chosen)
    : join(path === undefined ? cli.io.workingDirectory : dirname(path), '.etcdlab');
  return { name, stateDirectory, paths: labPaths(stateDirectory, name) };
}

/** Reads lab.yaml, or takes the defaults. @throws LabError LAB_CONFIG */
export async function describedLab(
  cli: Cli,
  options: CommonOptions,
  overrides: ConfigOverrides = {},
): Promise<LabLocation & { config: LabConfig }> {
  const name = options.name ?? cli.io.environment.ETCDLAB_NAME;
  const named = name ? { ...overrides, name } : overrides;
  const config = await loadConfig(configPath(cli, options), named);
  return { ...location(cli, options, config.name), config };
}

/** @returns where the lab is that the options mean @throws LabError LAB_CONFIG */
export async function locateLab(cli: Cli, options: CommonOptions): Promise<LabLocation> {
  return describedLab(cli, options);
}

/** Says that there is nothing to do, if there is no lab: to stop or remove it twice is no mistake. @returns whether so */
export async function isNoLab(cli: Cli, options: CommonOptions): Promise<boolean> {
  const { name, paths } = await locateLab(cli, options);
  if (existsSync(paths.root)) return false;
  cli.ui.event({ event: 'finished', name, changed: false });
  cli.ui.line(`There is no lab '${name}' in ${dirname(paths.root)}: nothing to do.`);
  return true;
}

/** @returns the lab as it was brought up @throws LabError LAB_MISSING, LAB_CONFIG, LAB_STATE */
export async function openLab(cli: Cli, options: CommonOptions): Promise<Lab> {
  const { stateDirectory, name, paths } = await locateLab(cli, options);
  const lab = await Lab.open(stateDirectory, name);
  cli.opened.push(lab);
  if (existsSync(paths.drillJournalFile)) {
    const warning =
      'a drill or a restore is under way on this lab, or was killed: then `etcdlab up` puts back the data from before it, and `etcdlab restore --resume` goes on with a restore';
    cli.io.stderr.write(`${cli.ui.style('yellow', 'warning:')} ${cli.ui.complete(warning)}\n`);
  }
  return lab;
}

/**
 * Does something to a lab while nobody else does.
 * @param command the verb, for the message to others
 * @throws LabError LAB_LOCKED, or what `work` throws
 */
export async function withLock<T>(paths: LabPaths, command: string, work: () => Promise<T>): Promise<T> {
  const lock = await LabLock.acquire(paths.root, command);
  try {
    return await work();
  } finally {
    // A refused `up` leaves nothing behind, also not the folder of its lock.
    const names = await readdir(paths.root).catch(() => []);
    if (names.every(isLockFile)) await removeLabFolder(paths.root);
    await lock.release();
  }
}
