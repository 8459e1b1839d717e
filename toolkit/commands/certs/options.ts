/** What several verbs of `certs` take. */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { InvalidArgumentError } from 'commander';
import type { Passphrase } from '../../../pki/mod.ts';
import { interrupted, LabError } from '../../errors.ts';
import { parseDurationMs } from '../../lab/config.ts';
import type { Cli, CommonOptions } from '../cli.ts';

export interface PassphraseOptions extends CommonOptions {
  readonly caPassphraseFile?: string;
}

export const passphraseFlag = '--ca-passphrase-file <path>';
export const passphraseHelp =
  'holds the passphrase of encrypted authority keys (or: $ETCDLAB_CA_PASSPHRASE_FILE, $ETCDLAB_CA_PASSPHRASE, a prompt)';

/** A passphrase on the command line would be in the list of processes: it comes from a file, a variable or a prompt. */
export interface PassphraseSource {
  /** What it is for, as the prompt says it. */
  readonly what: string;
  readonly file: string | undefined;
  readonly fileVariable: string;
  readonly variable: string;
  /** Ask twice: there is nothing yet that would show a slip of the finger. */
  readonly isNew?: boolean;
  /** Default true. A task list that is being drawn leaves no place for a prompt. */
  readonly mayAsk?: boolean;
}

/** @throws LabError LAB_PASSPHRASE if it is nowhere and there is nobody to ask, or the file cannot be read */
export async function readPassphrase(cli: Cli, source: PassphraseSource): Promise<string> {
  const file = source.file ?? cli.io.environment[source.fileVariable];
  if (file !== undefined) {
    const text = await readFile(file, 'utf8').catch((cause: unknown) => {
      throw new LabError('LAB_PASSPHRASE', `${file} cannot be read`, { cause });
    });
    return text.replace(/\r?\n$/, '');
  }
  const value = cli.io.environment[source.variable];
  if (value !== undefined) return value;
  if (source.mayAsk === false || cli.io.stdin.isTTY !== true || cli.ui.mode !== 'terminal') {
    throw new LabError('LAB_PASSPHRASE', `the passphrase of ${source.what} is needed`, {
      advice: `put it into a file that only you may read, and set ${source.fileVariable} to its path`,
    });
  }
  const first = await ask(cli, `Passphrase of ${source.what}: `);
  if (source.isNew && (await ask(cli, 'Once more: ')) !== first) {
    throw new LabError('LAB_PASSPHRASE', 'the two are not the same; nothing was changed');
  }
  return first;
}

/** @returns asks once for all authorities, when the first key is needed */
export function authorityPassphrase(
  cli: Cli,
  options: PassphraseOptions,
  { mayAsk = true }: { mayAsk?: boolean } = {},
): Passphrase {
  let asked: Promise<string> | undefined;
  return () => {
    asked ??= readPassphrase(cli, {
      what: "the authorities' keys",
      file: options.caPassphraseFile,
      fileVariable: 'ETCDLAB_CA_PASSPHRASE_FILE',
      variable: 'ETCDLAB_CA_PASSPHRASE',
      mayAsk,
    });
    return asked;
  };
}

async function ask(cli: Cli, question: string): Promise<string> {
  process.stdout.write(question);
  // readline echoes what is typed to its output.
  const mute = new Writable({ write: (_chunk, _encoding, done) => done() });
  const prompt = createInterface({ input: cli.io.stdin, output: mute, terminal: true });
  try {
    return await prompt.question('', { signal: cli.signal }).catch(() => {
      throw interrupted();
    });
  } finally {
    prompt.close();
    process.stdout.write('\n');
  }
}

/** For commander. @returns milliseconds */
export function parseDurationOption(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined) throw new InvalidArgumentError('use a number and a unit (s, m, h, d), such as 14d');
  return ms;
}
