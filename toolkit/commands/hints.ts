/** Commands in advice and errors, as the user can type them: started in the same way, and for the same lab. */
import type { Command } from 'commander';
import { quoteCommand } from '../hosts/ssh/command-line.ts';
import type { CommonOptions } from './cli.ts';

/** How the launchers tell the program what the user has typed, such as `npx etcdlab`. */
export const commandVariable = 'ETCDLAB_COMMAND';

/**
 * @param program with all commands: other words after `etcdlab` are prose
 * @param typed how the program was started
 * @param options those that said which lab is meant
 * @returns a function that completes every `etcdlab VERB` in a text; one that names a lab itself is left with it
 */
export function hintWriter(program: Command, typed = 'etcdlab', options: CommonOptions = {}): (text: string) => string {
  const verbs = program.commands.map((command) => {
    const name = command.name();
    return command.commands.length === 0 ? name : `${name} (?:${command.commands.map((sub) => sub.name()).join('|')})`;
  });
  const which = [
    ...(options.file === undefined ? [] : ['--file', options.file]),
    ...(options.stateDir === undefined ? [] : ['--state-dir', options.stateDir]),
    ...(options.name === undefined ? [] : ['--name', options.name]),
  ];
  const suffix = which.length === 0 ? '' : ` ${quoteCommand(which)}`;
  const pattern = new RegExp(
    `(?<![\\w./-])(?:npx )?etcdlab (${[...verbs, '--help'].join('|')})(?![\\w-])( --name)?`,
    'g',
  );
  return (text) =>
    text.replace(pattern, (_, verb: string, named: string | undefined) =>
      [typed, ' ', verb, verb === '--help' || named !== undefined ? '' : suffix, named ?? ''].join(''),
    );
}
