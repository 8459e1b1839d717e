/**
 * `--config-file`: YAML or JSON with flag names as keys (contract: api.md §5.1). Upstream decodes it into Go structs:
 * durations are integers of nanoseconds, unknown keys are passed over, a value of another type is an error.
 */
import { parse as parseYaml } from 'yaml';
import { type FlagSpec, flagTable } from './flag-table.ts';
import { type FlagValue, goTypeNames, parseFlagValue } from './flag-types.ts';
import { FlagValues } from './flags.ts';

/** Flags whose value is a YAML list; the other lists are comma-separated strings. */
const listFlags = new Set([
  ...['cipher-suites', 'log-outputs', 'client-cert-allowed-hostname'],
  ...['peer-cert-allowed-cn', 'peer-cert-allowed-hostname'],
]);

/** The wrong value of a key that upstream finds only after decoding; it goes to stderr as it is. */
export class ConfigFileUrlError extends Error {
  override readonly name = 'ConfigFileUrlError';
}

/**
 * Reads a configuration file.
 *
 * @param text its contents
 * @throws Error with upstream's wording for text that is no YAML or holds a value of the wrong type
 * @throws ConfigFileUrlError for a list of URLs that cannot be read
 */
export function parseConfigFile(text: string): FlagValues {
  const document = parseDocument(text);
  const values = new FlagValues();
  for (const flag of flagTable) {
    if (flag.yaml === '') continue;
    const found = lookUp(document, flag.yaml);
    if (found !== undefined && found !== null) setFromYaml(values, flag, found);
  }
  return values;
}

function parseDocument(text: string): Record<string, unknown> {
  let document: unknown;
  try {
    // 64-bit numbers must not lose digits on the way to their check.
    document = parseYaml(text, { intAsBigInt: true, maxAliasCount: 100 });
  } catch (error) {
    throw new Error(`error converting YAML to JSON: yaml: ${(error as Error).message.split('\n', 1)[0]}`);
  }
  if (document === null || document === undefined) return {};
  if (typeof document !== 'object' || Array.isArray(document)) throw mismatch(document, 'value', 'embed.configYAML');
  return document as Record<string, unknown>;
}

function lookUp(document: Record<string, unknown>, path: string): unknown {
  let found: unknown = document;
  for (const key of path.split('.')) {
    if (found === undefined || found === null) return undefined;
    if (typeof found !== 'object' || Array.isArray(found)) {
      throw mismatch(found, `struct field configYAML.${path.slice(0, path.lastIndexOf('.'))}`, 'map');
    }
    found = Object.hasOwn(found, key) ? (found as Record<string, unknown>)[key] : undefined;
  }
  return found;
}

function setFromYaml(values: FlagValues, flag: FlagSpec, found: unknown): void {
  if (listFlags.has(flag.name) && Array.isArray(found)) {
    if (!found.every((item) => typeof item === 'string')) throw wrongType(flag, found, '[]string');
    values.set(flag.name, found);
    return;
  }
  switch (flag.type) {
    case 'bool':
      if (typeof found !== 'boolean') throw wrongType(flag, found);
      values.set(flag.name, found);
      return;
    case 'string':
    case 'strings':
    case 'origins':
    case 'urls':
      if (typeof found !== 'string') throw wrongType(flag, found);
      if (found !== '') values.set(flag.name, parseText(flag, found));
      return;
    default:
      if (typeof found !== 'bigint') throw wrongType(flag, found);
      values.set(flag.name, parseNumber(flag, found));
  }
}

function parseText(flag: FlagSpec, text: string): FlagValue {
  try {
    return parseFlagValue(flag.type, text, flag.choices);
  } catch (error) {
    if (flag.name === 'initial-cluster-state') throw new Error(`unexpected clusterState "${text}"`);
    const reason = (error as Error).message;
    if (flag.type !== 'urls') throw new Error(`${reason} "${text}" for ${flag.name}`);
    throw new ConfigFileUrlError(`unexpected error setting up ${flag.name}: ${reason}`);
  }
}

function parseNumber(flag: FlagSpec, found: bigint): number {
  if (flag.type === 'duration') return Number(found) / 1e6;
  try {
    return parseFlagValue(flag.type, String(found)) as number;
  } catch {
    throw wrongType(flag, found, goTypeNames[flag.type], `number ${found}`);
  }
}

function wrongType(flag: FlagSpec, found: unknown, type = goTypeNames[flag.type], shown?: string): Error {
  return mismatch(found, `struct field configYAML.Config.${flag.yaml}`, type, shown);
}

function mismatch(found: unknown, where: string, type: string, shown?: string): Error {
  const target = where === 'value' ? `value of type ${type}` : `${where} of type ${type}`;
  return new Error(
    `error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${shown ?? jsonKind(found)} into Go ${target}`,
  );
}

function jsonKind(found: unknown): string {
  if (Array.isArray(found)) return 'array';
  if (typeof found === 'boolean') return 'bool';
  if (typeof found === 'number') return `number ${found}`;
  if (typeof found === 'bigint') return 'number';
  return typeof found;
}
