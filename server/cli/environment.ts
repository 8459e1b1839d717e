/** Flags from the environment, as upstream's pkg/flags takes them (contract: cli §1.2). */
import { ExitCode, ExitError } from './exit-error.ts';
import { type FlagDefinition, FlagError, type FlagSet } from './flag-set.ts';
import type { CliIo } from './io.ts';

/**
 * Sets each flag of `definitions` that is not on the command line from `PREFIX_NAME`. An empty variable counts as
 * unset; one that cannot be read is ignored.
 *
 * @throws ExitError when both the flag and its variable are given
 */
export function setFlagsFromEnvironment(
  prefix: string,
  definitions: readonly FlagDefinition[],
  flags: FlagSet,
  io: CliIo,
): void {
  const used = new Set<string>();
  const shadowed = new Set<string>();
  for (const { name } of definitions) {
    const variable = `${prefix}_${name.toUpperCase().replaceAll('-', '_')}`;
    if (flags.changed(name)) shadowed.add(variable);
    else if (setFrom(flags, name, io.env[variable])) used.add(variable);
  }
  for (const [variable, value] of Object.entries(io.env)) {
    if (used.has(variable) || value === undefined) continue;
    if (shadowed.has(variable)) {
      logLine(io, 'fatal', shadowedText, { 'environment-variable': variable });
      throw new ExitError(ExitCode.Error, '');
    }
    if (variable.startsWith(`${prefix}_`) && variable !== `${prefix}_API`) {
      logLine(io, 'warn', 'unrecognized environment variable', { 'environment-variable': `${variable}=${value}` });
    }
  }
}

const shadowedText =
  'conflicting environment variable is shadowed by corresponding command-line flag ' +
  '(either unset environment variable or disable flag))';

function setFrom(flags: FlagSet, name: string, value: string | undefined): boolean {
  if (value === undefined || value === '') return false;
  try {
    flags.setFrom(name, value);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
  }
  return true;
}

/** One line of JSON on stderr, in the shape of upstream's log. */
export function logLine(io: CliIo, level: string, message: string, fields: Record<string, unknown> = {}): void {
  io.stderr.write(`${JSON.stringify({ level, ts: new Date().toISOString(), msg: message, ...fields })}\n`);
}
