/** What a user expects of the recovered cluster, beside what every drill proves. Part of a drill file. */
import { z } from 'zod';
import type { EtcdClient } from '../../server/client/mod.ts';
import { messageOf } from '../../toolkit/errors.ts';
import type { Check } from '../verification/check.ts';
import { printableKey } from '../verification/key-space.ts';

const key = z.string().min(1);
const typeNames = ['string', 'number', 'boolean', 'array', 'object', 'null'] as const;

/** A type by its name, or a mapping of field names to shapes; fields that are not named may be there or not. */
export type Shape = (typeof typeNames)[number] | { [field: string]: Shape };
const shape: z.ZodType<Shape> = z.lazy(() => z.union([z.enum(typeNames), z.record(z.string(), shape)]));

const count = z
  .strictObject({
    prefix: key,
    equals: z.number().int().min(0).optional(),
    atLeast: z.number().int().min(0).optional(),
    atMost: z.number().int().min(0).optional(),
  })
  .refine(({ equals, atLeast, atMost }) => [equals, atLeast, atMost].some((bound) => bound !== undefined), {
    message: 'needs equals, atLeast or atMost',
  });

const oneAssertion = 'must be one of mustExist, mustNotExist, count, json';

/** One assertion, as it stands under `assert:`. */
export const assertionSchema = z.union(
  [
    z.strictObject({ mustExist: key, value: z.string().optional() }),
    z.strictObject({ mustNotExist: key }),
    z.strictObject({ count }),
    z.strictObject({ json: z.strictObject({ key, shape }) }),
  ],
  oneAssertion,
);
export type Assertion = z.output<typeof assertionSchema>;

/** Values above this are not parsed: a drill file asks for the shape of configuration, not of bulk data. */
const maxJsonBytes = 1024 * 1024;

/**
 * Asks one member by its own state. What cannot be asked is a failed check.
 *
 * @param member its name, for the check
 */
export async function checkAssertion(
  client: EtcdClient,
  assertion: Assertion,
  { member, endpoint, signal }: { member: string; endpoint: string; signal: AbortSignal },
): Promise<Check> {
  const options = { endpoint, signal, timeoutMs: 15_000 };
  const judged = await judge(client, assertion, options).catch((error: unknown) => ({
    passed: false,
    observed: messageOf(error),
  }));
  return { name: 'assertion', member, expected: describe(assertion), ...judged };
}

async function judge(
  client: EtcdClient,
  assertion: Assertion,
  options: { endpoint: string; signal: AbortSignal; timeoutMs: number },
): Promise<{ passed: boolean; observed: string }> {
  if ('count' in assertion) {
    const { prefix, equals, atLeast = 0, atMost = Number.POSITIVE_INFINITY } = assertion.count;
    const range = { key: Buffer.from(prefix), range_end: prefixEnd(prefix), count_only: true, serializable: true };
    const { count: found } = await client.range(range, options);
    const passed = found >= atLeast && found <= atMost && (equals === undefined || found === equals);
    return { passed, observed: `${found} keys` };
  }
  const name =
    'json' in assertion ? assertion.json.key : 'mustExist' in assertion ? assertion.mustExist : assertion.mustNotExist;
  const { kvs } = await client.range({ key: Buffer.from(name), serializable: true }, options);
  const value = kvs[0]?.value;
  if ('mustNotExist' in assertion)
    return { passed: value === undefined, observed: value ? 'it is there' : 'it is not' };
  if (value === undefined) return { passed: false, observed: 'it is not there' };
  if ('mustExist' in assertion) {
    const isEqual = assertion.value === undefined || Buffer.from(assertion.value).equals(value);
    return {
      passed: isEqual,
      observed: isEqual ? 'it is there' : `it is there, with another value (${value.length} bytes)`,
    };
  }
  return judgeJson(value, assertion.json.shape);
}

function judgeJson(value: Uint8Array, expected: Shape): { passed: boolean; observed: string } {
  if (value.length > maxJsonBytes)
    return { passed: false, observed: `${value.length} bytes, too many to be looked into` };
  try {
    const problem = misfit(JSON.parse(Buffer.from(value).toString('utf8')), expected, '');
    return { passed: problem === undefined, observed: problem ?? 'it has that shape' };
  } catch {
    return { passed: false, observed: 'its value is not JSON' };
  }
}

/** @returns where and how a value departs from a shape, or undefined */
export function misfit(value: unknown, expected: Shape, at: string): string | undefined {
  const found = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  if (typeof expected === 'string') {
    return found === expected ? undefined : `${at || 'the value'} is ${found}, not ${expected}`;
  }
  if (found !== 'object') return `${at || 'the value'} is ${found}, not object`;
  for (const [field, inner] of Object.entries(expected)) {
    const path = at === '' ? field : `${at}.${field}`;
    if (!Object.hasOwn(value as object, field)) return `${path} is missing`;
    const problem = misfit((value as Record<string, unknown>)[field], inner, path);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function describe(assertion: Assertion): string {
  if ('mustExist' in assertion) {
    const value = assertion.value === undefined ? '' : ` with the value ${JSON.stringify(assertion.value)}`;
    return `${printableKey(assertion.mustExist)} is there${value}`;
  }
  if ('mustNotExist' in assertion) return `${printableKey(assertion.mustNotExist)} is not there`;
  if ('json' in assertion)
    return `${printableKey(assertion.json.key)} has the shape ${JSON.stringify(assertion.json.shape)}`;
  const { prefix, equals, atLeast, atMost } = assertion.count;
  const bounds = [
    equals === undefined ? '' : `${equals}`,
    atLeast === undefined ? '' : `at least ${atLeast}`,
    atMost === undefined ? '' : `at most ${atMost}`,
  ];
  return `${bounds.filter((bound) => bound !== '').join(', ')} keys under ${printableKey(prefix)}`;
}

/** The first key behind all that begin with the prefix; the end of everything if there is none. */
function prefixEnd(prefix: string): Uint8Array {
  const end = Buffer.from(prefix);
  for (let i = end.length - 1; i >= 0; i--) {
    if ((end[i] as number) === 0xff) continue;
    end[i] = (end[i] as number) + 1;
    return end.subarray(0, i + 1);
  }
  return Buffer.from([0]);
}
