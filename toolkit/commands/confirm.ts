/** Asks before something is done that cannot be taken back. */
import { createInterface } from 'node:readline/promises';
import { interrupted, LabError } from '../errors.ts';
import type { Cli } from './cli.ts';

export interface Confirmation {
  /** What will happen, such as `Remove lab 'a': 3 members with their data`. */
  readonly action: string;
  /** What the user must type. */
  readonly word: string;
  /** The command line that does it without asking. */
  readonly command: string;
}

/** @throws LabError LAB_NOT_CONFIRMED when the user says no or cannot be asked, LAB_INTERRUPTED */
export async function confirm(cli: Cli, { action, word, command }: Confirmation): Promise<void> {
  if (cli.io.stdin.isTTY !== true || cli.ui.mode !== 'terminal') {
    throw new LabError('LAB_NOT_CONFIRMED', `this must be confirmed. ${action}`, { advice: command });
  }
  const prompt = createInterface({ input: cli.io.stdin, output: process.stdout });
  try {
    const answer = await prompt.question(`${action}.\nType ${word} to go on: `, { signal: cli.signal }).catch(() => {
      throw interrupted();
    });
    if (answer.trim() !== word) throw new LabError('LAB_NOT_CONFIRMED', 'not confirmed; nothing was changed');
  } finally {
    prompt.close();
  }
}
