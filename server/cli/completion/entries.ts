/** What can follow each command, for the scripts that complete command lines. */
import { type Command, inheritedFlags, localFlags } from '../command.ts';

export interface CompletionEntry {
  /** `` for the tool itself, `/lease/grant` for a command of it. */
  readonly at: string;
  readonly commands: readonly { readonly name: string; readonly short: string }[];
  readonly flags: readonly CompletionFlag[];
}

export interface CompletionFlag {
  readonly name: string;
  readonly usage: string;
  readonly takesValue: boolean;
}

/** One entry for the tool and each of its commands. */
export function completionEntries(root: Command): CompletionEntry[] {
  const entries: CompletionEntry[] = [];
  const visit = (path: readonly Command[]): void => {
    const { commands = [] } = path.at(-1) as Command;
    const flags = [...localFlags(path), ...inheritedFlags(path)];
    entries.push({
      at: path.slice(1).reduce((at, { name }) => `${at}/${name}`, ''),
      commands: commands.map(({ name, short }) => ({ name, short })),
      flags: flags.map(({ name, usage, kind }) => ({ name, usage, takesValue: kind !== 'bool' })),
    });
    for (const command of commands) visit([...path, command]);
  };
  visit([root]);
  return entries;
}
