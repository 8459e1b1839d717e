/** Commands that are loaded when they are called for: a start does not wait for those that are not. */
import { type Command, firstWord, matchingName } from './command.ts';

/** By name, in the order in which help lists them. */
export type CommandLoaders = Readonly<Record<string, () => Promise<Command>>>;

/**
 * The commands of a tool as far as `argv` needs them; the others have their names alone.
 *
 * @param root the tool without its commands
 * @param wholeFor the commands that work on all of them
 */
export async function loadCommands(
  root: Command,
  loaders: CommandLoaders,
  argv: readonly string[],
  wholeFor: readonly string[],
): Promise<Command[]> {
  const word = firstWord(root, argv);
  const wanted = word === undefined ? undefined : matchingName(Object.keys(loaders), word);
  // Without a command, or with one that there is not, there is help or advice, which names all.
  const isWhole = wanted === undefined || wholeFor.includes(wanted);
  return Promise.all(
    Object.entries(loaders).map(([name, load]) => (isWhole || name === wanted ? load() : { name, short: '' })),
  );
}
