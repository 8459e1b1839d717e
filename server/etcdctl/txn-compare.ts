/** The compares of `txn` input: `target("key") op "value"` (contract: cli §2). */
import { ExitCode, ExitError } from '../cli/exit-error.ts';
import { quote, unquote } from '../cli/go-text.ts';
import { NumberError, parseInt64 } from '../cli/numbers.ts';
import { Compare, Compare_CompareResult, Compare_CompareTarget } from '../proto/gen/rpc.ts';

const results: Record<string, Compare_CompareResult> = {
  '=': Compare_CompareResult.EQUAL,
  '!=': Compare_CompareResult.NOT_EQUAL,
  '>': Compare_CompareResult.GREATER,
  '<': Compare_CompareResult.LESS,
};

/** @throws ExitError (3) with upstream's text */
export function parseCompare(line: string): Compare {
  const paren = line.indexOf('(');
  if (paren < 0) throw malformed(line);
  const target = line.slice(0, paren);
  const parts = scan(line.slice(paren + 1));
  if (parts.value === undefined) {
    throw malformed(`${line}; got ${target}(${quote(parts.key ?? '')}) ${parts.operator ?? ''} ""`);
  }
  const result = results[parts.operator ?? ''];
  if (result === undefined) throw malformed(`${line} (unknown operator ${parts.operator})`);
  return Compare.create({ key: parts.key ?? Buffer.alloc(0), result, ...union(line, target, parts.value) });
}

/** What stands behind the parenthesis, as far as it can be read: key, operator, value. */
function scan(text: string): { key?: Buffer; operator?: string; value?: Buffer } {
  const quoted = String.raw`("(?:[^"\\]|\\.)*")`;
  const keyMatch = new RegExp(`^\\s*${quoted}`).exec(text);
  const key = unquote(keyMatch?.[1] ?? '');
  if (keyMatch === null || key === undefined) return {};
  const rest = text.slice(keyMatch[0].length);
  const operatorMatch = /^\)[ \t]+(\S+)/.exec(rest);
  const operator = operatorMatch?.[1];
  if (operatorMatch === null || operator === undefined) return { key };
  const valueMatch = new RegExp(`^\\s*${quoted}`).exec(rest.slice(operatorMatch[0].length));
  const value = unquote(valueMatch?.[1] ?? '');
  return value === undefined ? { key, operator } : { key, operator, value };
}

function union(line: string, target: string, value: Buffer): Partial<Compare> {
  switch (target) {
    case 'ver':
    case 'version':
      return { target: Compare_CompareTarget.VERSION, version: integer(line, value) };
    case 'c':
    case 'create':
      return { target: Compare_CompareTarget.CREATE, create_revision: integer(line, value) };
    case 'm':
    case 'mod':
      return { target: Compare_CompareTarget.MOD, mod_revision: integer(line, value) };
    case 'val':
    case 'value':
      return { target: Compare_CompareTarget.VALUE, value };
    case 'lease':
      return { target: Compare_CompareTarget.LEASE, lease: parse(line, value, 16) };
    default:
      throw malformed(`${line} (unknown target ${target})`);
  }
}

function integer(line: string, value: Buffer): number {
  return Number(parse(line, value, 10));
}

function parse(line: string, value: Buffer, base: 10 | 16): bigint {
  try {
    return parseInt64(value.toString(), base);
  } catch (error) {
    if (!(error instanceof NumberError)) throw error;
    throw new ExitError(ExitCode.InvalidInput, `invalid txn compare request: ${line}`);
  }
}

function malformed(text: string): ExitError {
  return new ExitError(ExitCode.InvalidInput, `malformed comparison: ${text}`);
}
