/** `ETCD_*` variables: each flag has one, and none may contradict a flag (contract: api.md §5.1). */

import type { LogRecord } from '../base/logger.ts';
import { flagTable } from './flag-table.ts';
import { parseFlagValue } from './flag-types.ts';
import type { FlagValues } from './flags.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable that a flag shadows: two answers to one question. */
export class EnvironmentConflict extends Error {
  override readonly name = 'EnvironmentConflict';
  readonly variable: string;

  constructor(variable: string) {
    super(
      'conflicting environment variable is shadowed by corresponding command-line flag ' +
        '(either unset environment variable or disable flag))',
    );
    this.variable = variable;
  }
}

/** `listen-client-urls` → `ETCD_LISTEN_CLIENT_URLS`. */
export function variableName(flag: string): string {
  return `ETCD_${flag.toUpperCase().replaceAll('-', '_')}`;
}

/**
 * Fills in from the environment what the command line left out. An empty variable counts as not set.
 *
 * @param log takes what upstream logs about variables used and not understood
 * @throws EnvironmentConflict when flag and variable are both set, be it to the same value
 * @throws Error `invalid value "abc" for ETCD_MAX_TXN_OPS: parse error`
 */
export function applyEnvironment(values: FlagValues, environment: Environment, log: LogRecord[]): void {
  const used = new Set<string>();
  const shadowed = new Set<string>();
  for (const flag of flagTable) {
    const variable = variableName(flag.name);
    const text = environment[variable];
    if (flag.name === 'version' || text === undefined || text === '') continue;
    if (values.isSet(flag.name)) {
      shadowed.add(variable);
      continue;
    }
    try {
      values.set(flag.name, parseFlagValue(flag.type, text, flag.choices));
    } catch (error) {
      throw new Error(`invalid value "${text}" for ${variable}: ${(error as Error).message}`);
    }
    used.add(variable);
    log.push({
      level: 'info',
      caller: 'etcd/environment',
      msg: 'recognized and used environment variable',
      fields: { 'variable-name': variable, 'variable-value': text },
    });
  }
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith('ETCD_') || text === undefined) continue;
    if (shadowed.has(variable)) throw new EnvironmentConflict(variable);
    if (!used.has(variable)) log.push(unrecognized(variable, text));
  }
}

function unrecognized(variable: string, text: string): LogRecord {
  if (variable === 'ETCD_VERSION') {
    return {
      level: 'warn',
      caller: 'etcd/environment',
      msg: 'cannot set special environment variable',
      fields: { key: variable, value: text },
    };
  }
  return {
    level: 'warn',
    caller: 'etcd/environment',
    msg: 'unrecognized environment variable',
    fields: { 'environment-variable': `${variable}=${text}` },
  };
}
