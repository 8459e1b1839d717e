/** Commands in advice and errors, as the user can type them: started in the same way, and for the same lab. */
import type { Command } from 'commander';
import { quoteCommand } from '../hosts/ssh/command-line.ts';
import type { CommonOptions } from './cli.ts';

/** Options that the commands in a text are given again. */
interface RepeatedOptions extends CommonOptions {
  readonly store?: string;
  readonly identityFile?: string;
}

/** How the launchers tell the program what the user has typed, such as `npx etcdlab`. */
export const commandVariable = 'ETCDLAB_COMMAND';

/**
 * @param program with all commands: other words after `etcdlab` are prose
 * @param typed how the program was started
 * @param options those that said which lab is meant, and which store: that is for the commands that take one
 * @returns a function that completes every `etcdlab VERB` in a text; one that names a lab itself is left with it
 */
export function hintWriter(
  program: Command,
  typed = 'etcdlab',
  options: RepeatedOptions = {},
): (text: string) => string {
  const commands = new Map(
    program.commands.flatMap((command) =>
      command.commands.length === 0
        ? [[command.name(), command] as const]
        : command.commands.map((sub) => [`${command.name()} ${sub.name()}`, sub] as const),
    ),
  );
  const which = [
    ...(options.file === undefined ? [] : ['--file', options.file]),
    ...(options.stateDir === undefined ? [] : ['--state-dir', options.stateDir]),
    ...(options.name === undefined ? [] : ['--name', options.name]),
  ];
  const store = [
    ...(options.store === undefined ? [] : ['--store', options.store]),
    ...(options.identityFile === undefined ? [] : ['--identity-file', options.identityFile]),
  ];
  const suffixOf = (verb: string): string => {
    const takesStore = commands.get(verb)?.options.some(({ long }) => long === '--store') ?? false;
    const words = takesStore ? [...which, ...store] : which;
    return words.length === 0 ? '' : ` ${quoteCommand(words)}`;
  };
  const helps = [
    '',
    ...program.commands.map((command) => `${command.name()} `),
    ...commands.keys().map((verb) => `${verb} `),
  ];
  const alternatives = [...helps.map((words) => `${words}--help`), ...commands.keys()];
  const pattern = new RegExp(`(?<![\\w./-])(?:npx )?etcdlab (${alternatives.join('|')})(?![\\w-])( --name)?`, 'g');
  return (text) =>
    text.replace(pattern, (_, verb: string, named: string | undefined) =>
      [typed, ' ', verb, verb.endsWith('--help') || named !== undefined ? '' : suffixOf(verb), named ?? ''].join(''),
    );
}
