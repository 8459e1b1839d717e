import { describe, expect, test } from 'vitest';
import type { EtcdClient } from '../../server/client/mod.ts';
import { type Assertion, assertionSchema, checkAssertion, misfit, type Shape } from './assertions.ts';
import { parseDrill } from './definition.ts';

/** A member that holds the given keys. */
function client(store: Record<string, string>): EtcdClient {
  const range = async ({ key, range_end }: { key: Uint8Array; range_end?: Uint8Array }) => {
    const [from, end] = [Buffer.from(key).toString(), Buffer.from(range_end ?? []).toString()];
    const names = Object.keys(store).filter((name) => (end === '' ? name === from : name >= from && name < end));
    return { kvs: names.map((name) => ({ value: Buffer.from(store[name] ?? '') })), count: names.length };
  };
  return { range } as unknown as EtcdClient;
}

const where = { member: 'node1', endpoint: 'https://127.0.0.1:1', signal: new AbortController().signal };
const check = (store: Record<string, string>, assertion: object) =>
  checkAssertion(client(store), assertionSchema.parse(assertion) as Assertion, where);

describe('an assertion', () => {
  test.each<[object, boolean]>([
    [{ mustExist: 'a/1' }, true],
    [{ mustExist: 'a/1', value: 'one' }, true],
    [{ mustExist: 'a/1', value: 'two' }, false],
    [{ mustExist: 'a/3' }, false],
    [{ mustNotExist: 'a/3' }, true],
    [{ mustNotExist: 'a/1' }, false],
    [{ count: { prefix: 'a/', equals: 2 } }, true],
    [{ count: { prefix: 'a/', equals: 3 } }, false],
    [{ count: { prefix: 'a/', atLeast: 2, atMost: 2 } }, true],
    [{ count: { prefix: 'a/', atLeast: 3 } }, false],
    [{ count: { prefix: 'a/', atMost: 1 } }, false],
    [{ json: { key: 'config', shape: { version: 'number', hosts: 'array' } } }, true],
    [{ json: { key: 'config', shape: { version: 'string' } } }, false],
    [{ json: { key: 'a/1', shape: 'object' } }, false],
    [{ json: { key: 'nowhere', shape: 'object' } }, false],
  ])('%j is judged as it must be', async (assertion, passed) => {
    const store = { 'a/1': 'one', 'a/2': 'two', config: '{"version":3,"hosts":[]}' };
    expect(await check(store, assertion)).toMatchObject({ name: 'assertion', member: 'node1', passed });
  });

  test('that cannot be asked has failed', async () => {
    const broken = { range: () => Promise.reject(new Error('unreachable')) } as unknown as EtcdClient;
    expect(await checkAssertion(broken, { mustNotExist: 'a' }, where)).toMatchObject({
      passed: false,
      observed: 'unreachable',
    });
  });

  test.each([
    ['[{ mustExit: a }]', 'own.yaml:6:10: assert.0: must be one of mustExist, mustNotExist, count, json'],
    ['[{ count: { prefix: a } }]', 'own.yaml:6:19: assert.0.count: needs equals, atLeast or atMost'],
  ])('that is none, %s, is refused with its place', (assertions, message) => {
    const phases = 'title: t\nteaches: t\nbackup: [a]\ndisaster: [a]\nrecover: [a]\n';
    expect(() => parseDrill('own', `${phases}assert: ${assertions}\n`, 'own.yaml')).toThrow(message);
  });
});

describe('the shape of a JSON value', () => {
  test('names the field that departs from it', () => {
    expect(misfit({ a: { b: 1 } }, { a: { b: 'string' } }, '')).toBe('a.b is number, not string');
    expect(misfit({ a: {} }, { a: { b: 'string' } }, '')).toBe('a.b is missing');
    expect(misfit([], 'object', '')).toBe('the value is array, not object');
    expect(misfit(null, { a: 'string' }, '')).toBe('the value is null, not object');
  });

  test('does not mind fields that it does not name, and does not take those of every object for its own', () => {
    expect(misfit({ a: 1, b: 2 }, { a: 'number' }, '')).toBeUndefined();
    const shape = JSON.parse('{"toString":"object"}') as Shape;
    expect(misfit({}, shape, '')).toBe('toString is missing');
  });
});
