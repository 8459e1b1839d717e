import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reflection } from '../proto/gen/reflection.ts';
import { Compare, Compare_CompareTarget, RangeRequest, TxnRequest } from '../proto/gen/rpc.ts';
import type { FieldType } from '../proto/reflection.ts';
import { encodeWith, type Writer } from '../proto/wire.ts';
import { decodeBase64, jsonToWire } from './from-json.ts';
import { JsonSplitter } from './json-splitter.ts';
import { parseJson } from './json-text.ts';
import { gatewayRoutes } from './routes.ts';
import { wireToJson } from './to-json.ts';

const range = 'etcdserverpb.RangeRequest';
const toWire = (type: string, json: string): Uint8Array => jsonToWire(type, Buffer.from(json));

/** A value of a field that is not its default, as bytes: the defaults are what both sides leave out. */
function writerOf(field: FieldType, depth: number): fc.Arbitrary<((w: Writer) => void) | undefined> {
  const tag = (w: Writer, wireType: number): void => w.uint32((field.number << 3) | wireType);
  const varint = (value: bigint) => (w: Writer) => {
    tag(w, 0);
    w.varint64(value);
  };
  switch (field.kind) {
    case 'bool':
      return fc.constant(varint(1n));
    case 'bytes':
      return fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => (w) => {
        tag(w, 2);
        w.bytes(bytes);
      });
    case 'string':
      return fc.string({ unit: 'binary', minLength: 1, maxLength: 10 }).map((text) => (w) => {
        tag(w, 2);
        w.string(text);
      });
    case 'enum':
      return fc
        .constantFrom(...Object.values(reflection.enums[field.type as string] ?? {}), 77)
        .filter((value) => value !== 0)
        .map((value) => varint(BigInt(value)));
    case 'uint32':
      return fc.bigInt({ min: 1n, max: 2n ** 32n - 1n }).map(varint);
    case 'uint64':
      return fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map(varint);
    case 'int32':
    case 'int64':
      return fc
        .bigInt({ min: -(2n ** (field.kind === 'int32' ? 31n : 63n)), max: 2n ** 31n - 1n })
        .filter((value) => value !== 0n)
        .map(varint);
    case 'message':
      if (depth === 0) return fc.constant(undefined);
      return message(field.type as string, depth - 1).map((write) => (w) => {
        tag(w, 2);
        const start = w.open();
        write(w);
        w.close(start);
      });
  }
}

/** Single fields only, and of each oneof one: what a message's canonical bytes have. */
function message(type: string, depth: number): fc.Arbitrary<(w: Writer) => void> {
  const taken = new Set<string>();
  const fields = (reflection.messages[type] ?? []).filter((field) => {
    if (field.oneof === undefined) return true;
    const isFirst = !taken.has(field.oneof);
    taken.add(field.oneof);
    return isFirst;
  });
  const parts = fields.map((field) => {
    const one = writerOf(field, depth);
    const isPacked = field.repeated && !['message', 'bytes', 'string'].includes(field.kind);
    if (isPacked) return fc.constant(undefined);
    return field.repeated
      ? fc.array(one, { maxLength: 3 }).map((all) => (w: Writer) => {
          for (const write of all) write?.(w);
        })
      : fc.option(one, { nil: undefined });
  });
  return fc.tuple(...parts).map((all) => (w: Writer) => {
    for (const write of all) write?.(w);
  });
}

describe('the translation between JSON and the wire', () => {
  test.each(
    [...new Set(Object.values(reflection.methods).flatMap(({ request, response }) => [request, response]))].map(
      (type) => [type],
    ),
  )('loses nothing of %s', (type) => {
    fc.assert(
      fc.property(message(type, 3), fc.constantFrom(', ' as const, ',' as const), (write, comma) => {
        const bytes = encodeWith(write);
        const json = wireToJson(type, bytes, comma);
        expect(() => JSON.parse(json)).not.toThrow();
        expect(Buffer.from(toWire(type, json)).toString('hex')).toBe(Buffer.from(bytes).toString('hex'));
      }),
      { numRuns: 30 },
    );
  });

  test('keeps all digits of 64 bits, as string or number', () => {
    for (const text of ['9223372036854775807', '-9223372036854775808']) {
      const bytes = toWire('etcdserverpb.LeaseRevokeRequest', `{"ID":${text}}`);
      expect(wireToJson('etcdserverpb.LeaseRevokeRequest', bytes, ',')).toBe(`{"ID":"${text}"}`);
      expect(toWire('etcdserverpb.LeaseRevokeRequest', `{"ID":"${text}"}`)).toEqual(bytes);
    }
  });

  test('reads repeated enums, packed on the wire', () => {
    const bytes = toWire('etcdserverpb.WatchCreateRequest', '{"filters":["NODELETE",0]}');
    expect(wireToJson('etcdserverpb.WatchCreateRequest', bytes, ',')).toBe('{"filters":["NODELETE","NOPUT"]}');
  });

  test('shows a zero that a oneof has been set to', () => {
    const compare = Compare.create({ target: Compare_CompareTarget.CREATE, key: Buffer.from('a'), create_revision: 0 });
    const bytes = TxnRequest.encode(TxnRequest.create({ compare: [compare] }));
    expect(wireToJson('etcdserverpb.TxnRequest', bytes, ',')).toBe(
      '{"compare":[{"target":"CREATE","key":"YQ==","create_revision":"0"}]}',
    );
  });

  test('makes of any text a message or an error for the client, and nothing else', () => {
    const fragment = fc.oneof(
      fc.constantFrom(
        '{',
        '}',
        '[',
        ']',
        '"key"',
        ':',
        ',',
        '"limit"',
        'null',
        '1e5',
        '"\\u',
        '\\',
        '-',
        '{"key":"Zg"',
      ),
      fc.json(),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 8 }), (fragments) => {
        try {
          RangeRequest.decode(toWire(range, fragments.join('')));
        } catch (error) {
          expect(error).toMatchObject({ name: 'EtcdError', code: 3 });
        }
      }),
      { numRuns: 500 },
    );
  });

  test('is not lost in depth', () => {
    const deep = (levels: number) => `{"x":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    expect(toWire(range, deep(400))).toHaveLength(0);
    expect(() => toWire(range, deep(100_000))).toThrow('exceeded max depth');
  });

  test.each(['1e99999999', `1${'0'.repeat(400)}`, `0.${'0'.repeat(500_000)}1`])('refuses the number %.20s', (text) => {
    expect(() => toWire(range, `{"limit":${text}}`)).toThrow('invalid value for int64 field limit');
  });

  test('refuses what is not UTF-8, and half a character', () => {
    expect(() => jsonToWire(range, Buffer.from('{"x":"\xff"}', 'latin1'))).toThrow('invalid UTF-8');
    expect(() => toWire('etcdserverpb.AuthUserAddRequest', '{"name":"\\ud800"}')).toThrow('invalid escape code');
  });

  test('reads base64 as Node writes it, with either alphabet and with or without padding', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = Buffer.from(bytes).toString('base64');
        const url = Buffer.from(bytes).toString('base64url');
        for (const form of [text, url, text.replaceAll('=', '')])
          expect(decodeBase64(form)).toEqual(Buffer.from(bytes));
      }),
    );
  });
});

describe('a body that comes in pieces', () => {
  const value = fc.oneof(fc.json(), fc.constantFrom('{"a":"}\\""}', '["\\\\"]', '[]', '{}'));
  const structured = value.filter((text) => /^[[{"]/.test(text));

  test('is cut into its values, wherever the pieces end', () => {
    const spaces = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(structured, spaces)), fc.infiniteStream(fc.nat(9)), (values, sizes) => {
        const body = Buffer.from(values.flat().join(''));
        const splitter = new JsonSplitter(1_000_000);
        for (let at = 0; at < body.length; ) {
          const size = 1 + (sizes.next().value as number);
          splitter.push(body.subarray(at, at + size));
          at += size;
        }
        const found: string[] = [];
        for (let next = splitter.next(); next !== undefined; next = splitter.next()) found.push(next.toString());
        expect(found).toEqual(values.map(([text]) => text));
        expect(splitter.rest()).toHaveLength(0);
      }),
    );
  });

  test('has its scalars ended by what follows', () => {
    const splitter = new JsonSplitter(100);
    splitter.push(Buffer.from('12 tr'));
    splitter.push(Buffer.from('ue{}nu'));
    expect([splitter.next(), splitter.next(), splitter.next()].map(String)).toEqual(['12', 'true', '{}']);
    expect(splitter.rest().toString()).toBe('nu');
  });

  test('is refused when a value is too long', () => {
    const splitter = new JsonSplitter(100);
    splitter.push(Buffer.from(`["${'x'.repeat(90)}"]  `));
    expect(() => splitter.push(Buffer.from(`["${'x'.repeat(100)}`))).toThrow('larger than max');
  });

  test('is parsed as JSON.parse does', () => {
    const plain = (node: ReturnType<typeof parseJson>): unknown => {
      if (node.kind === 'object') return node.entries.map(({ name, value: inner }) => [name.value, plain(inner)]);
      if (node.kind === 'array') return node.items.map(plain);
      return node.kind === 'string' ? node.value : JSON.parse(node.raw);
    };
    const expected = (parsed: unknown): unknown => {
      if (Array.isArray(parsed)) return parsed.map(expected);
      if (typeof parsed !== 'object' || parsed === null) return parsed;
      return Object.entries(parsed).map(([name, inner]) => [name, expected(inner)]);
    };
    // `__proto__` and numeric names change their order or meaning in an object, not in this tree.
    const json = fc.json({ maxDepth: 4 }).filter((text) => !/"(__proto__|\d+)":/.test(text));
    fc.assert(fc.property(json, (text) => void expect(plain(parseJson(text))).toEqual(expected(JSON.parse(text)))));
  });
});

test('every route leads to a method, and every method but those of health has a route', () => {
  const methods = new Set(Object.keys(reflection.methods).filter((path) => !path.startsWith('/grpc.health.v1.')));
  expect(new Set(gatewayRoutes.values())).toEqual(methods);
});
