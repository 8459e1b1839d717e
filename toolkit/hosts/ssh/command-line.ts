/**
 * SSH carries one string, which the login shell of the other side takes apart again. Everything that is to reach the
 * command unchanged is quoted here, and nowhere else.
 */

/** @returns the word, quoted so that a POSIX shell takes it as it is */
export function quoteWord(word: string): string {
  if (word.includes('\0')) throw new TypeError('a command cannot carry a NUL byte');
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** @returns a command line that runs exactly these words */
export function quoteCommand(words: readonly string[]): string {
  return words.map(quoteWord).join(' ');
}

export interface CommandContext {
  /** The user that the connection logs in as. */
  readonly loginUser: string;
  /** The user that the command runs as. */
  readonly user: string;
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly workingDirectory?: string | undefined;
  /** The host itself ends the command then, also when the connection is lost meanwhile; undefined: never. */
  readonly timeoutMs?: number | undefined;
}

/** How long a command may take to end after SIGTERM, before it is killed. */
const killAfterSeconds = 5;

/**
 * @returns the words that run a command in the given context. sudo never asks for a password: it would wait for an
 *   answer that nobody gives.
 */
export function commandWords(file: string, args: readonly string[], context: CommandContext): string[] {
  const { loginUser, user, environment = {}, workingDirectory, timeoutMs } = context;
  const words: string[] = [];
  if (user !== loginUser) {
    if (loginUser === 'root') words.push('runuser', '-u', user, '--');
    else words.push('sudo', '-n', ...(user === 'root' ? [] : ['-u', user]), '--');
  }
  const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  if (settings.length > 0 || workingDirectory !== undefined) {
    words.push('env', ...(workingDirectory === undefined ? [] : ['-C', workingDirectory]), ...settings);
  }
  if (timeoutMs !== undefined) {
    words.push('timeout', '-k', String(killAfterSeconds), String(Math.max(1, Math.ceil(timeoutMs / 1000))));
  }
  return [...words, file, ...args];
}
