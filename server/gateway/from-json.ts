/**
 * From JSON to the protobuf wire, by the rules and in the words of Go's `protojson` with unknown fields discarded
 * (contract: api.md §4.1). It writes bytes and no objects, so that no digit of a 64-bit number is lost on the way.
 */
import { isUtf8 } from 'node:buffer';
import { Code, EtcdError } from '../errors/etcd-error.ts';
import { reflection } from '../proto/gen/reflection.ts';
import type { FieldType } from '../proto/reflection.ts';
import { encodeWith, type Writer } from '../proto/wire.ts';
import { JsonError, type JsonNode, type JsonObject, type JsonString, parseJson, placeOf } from './json-text.ts';

/**
 * @param type full name of the message: `etcdserverpb.RangeRequest`
 * @param json one JSON value, UTF-8
 * @returns the message's bytes
 * @throws EtcdError InvalidArgument when it is not JSON, or not such a message
 */
export function jsonToWire(type: string, json: Uint8Array): Uint8Array {
  if (!isUtf8(json)) throw new EtcdError(Code.InvalidArgument, 'proto: invalid UTF-8 in the request');
  const text = Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString();
  try {
    const node = parseJson(text);
    return encodeWith((writer) => new MessageReader(text, writer).message(type, node));
  } catch (error) {
    if (error instanceof JsonError) throw new EtcdError(Code.InvalidArgument, error.message);
    throw error;
  }
}

/** Fields by both of their names. */
const fieldsByName = new Map(
  Object.entries(reflection.messages).map(([type, fields]) => [
    type,
    new Map(fields.flatMap((field) => [[field.jsonName, field] as const, [field.name, field] as const])),
  ]),
);

const wireTypes = { varint: 0, bytes: 2 };

class MessageReader {
  private readonly text: string;
  private readonly writer: Writer;

  constructor(text: string, writer: Writer) {
    this.text = text;
    this.writer = writer;
  }

  message(type: string, node: JsonNode): void {
    if (node.kind !== 'object') throw this.unexpected(node);
    const fields = fieldsByName.get(type) ?? new Map<string, FieldType>();
    const seen = new Set<number>();
    const oneofs = new Set<string>();
    for (const { name, value } of (node as JsonObject).entries) {
      this.checkString(name);
      const field = fields.get(name.value);
      if (field === undefined) continue;
      if (seen.has(field.number)) throw this.error(`(${this.place(name)}): duplicate field ${name.raw}`);
      seen.add(field.number);
      // A null is a field that is not there; it does not take the place of another of its oneof either.
      if (value.kind === 'null') continue;
      if (field.oneof !== undefined) {
        if (oneofs.has(field.oneof)) {
          const text = `error parsing ${name.raw}, oneof ${field.oneof} is already set`;
          throw this.error(`(${this.place(name)}): ${text}`);
        }
        oneofs.add(field.oneof);
      }
      if (field.repeated) this.list(field, value);
      else this.field(field, value);
    }
  }

  private list(field: FieldType, node: JsonNode): void {
    if (node.kind !== 'array') throw this.unexpected(node);
    for (const item of node.items) this.field(field, item);
  }

  private field(field: FieldType, node: JsonNode): void {
    const { writer } = this;
    switch (field.kind) {
      case 'message': {
        this.tag(field, wireTypes.bytes);
        const start = writer.open();
        this.message(field.type as string, node);
        writer.close(start);
        return;
      }
      case 'bytes': {
        const bytes = node.kind === 'string' ? decodeBase64(this.checkString(node)) : undefined;
        if (bytes === undefined) throw this.badValue(field, node);
        this.tag(field, wireTypes.bytes);
        writer.bytes(bytes);
        return;
      }
      case 'string':
        if (node.kind !== 'string') throw this.badValue(field, node);
        this.tag(field, wireTypes.bytes);
        writer.string(this.checkString(node));
        return;
      case 'bool':
        if (node.kind !== 'true' && node.kind !== 'false') throw this.badValue(field, node);
        this.tag(field, wireTypes.varint);
        writer.bool(node.kind === 'true');
        return;
      case 'enum': {
        const value = this.enumValue(field, node);
        if (value === undefined) return;
        this.tag(field, wireTypes.varint);
        writer.varint64(value);
        return;
      }
      default: {
        const value = integer(node, ranges[field.kind]);
        if (value === undefined) throw this.badValue(field, node);
        this.tag(field, wireTypes.varint);
        writer.varint64(value);
      }
    }
  }

  /** @returns undefined for a name that the enum does not have, which is passed over like an unknown field */
  private enumValue(field: FieldType, node: JsonNode): bigint | undefined {
    if (node.kind === 'string') {
      const names = reflection.enums[field.type as string] ?? {};
      const name = this.checkString(node);
      return Object.hasOwn(names, name) ? BigInt(names[name] as number) : undefined;
    }
    const value = node.kind === 'number' ? integer(node, ranges.int32) : undefined;
    if (value === undefined) throw this.badValue(field, node);
    return value;
  }

  private tag(field: FieldType, wireType: number): void {
    this.writer.uint32((field.number << 3) | wireType);
  }

  /** An escape may spell half of a character, which is no text. */
  private checkString(node: JsonString): string {
    if (!node.value.isWellFormed()) throw this.error(`(${this.place(node)}): invalid escape code in string`);
    return node.value;
  }

  private unexpected(node: JsonNode): EtcdError {
    return this.error(`syntax error (${this.place(node)}): unexpected token ${shorten(node.raw)}`);
  }

  private badValue(field: FieldType, node: JsonNode): EtcdError {
    const text = `invalid value for ${field.kind} field ${field.jsonName}: ${shorten(node.raw)}`;
    return this.error(`(${this.place(node)}): ${text}`);
  }

  private place(node: JsonNode): string {
    return placeOf(this.text, node.at);
  }

  private error(text: string): EtcdError {
    return new EtcdError(Code.InvalidArgument, `proto: ${text}`);
  }
}

/** An answer needs no megabyte of the question. */
function shorten(raw: string): string {
  return raw.length <= 1000 ? raw : `${raw.slice(0, 1000)}...`;
}

/**
 * Standard or URL alphabet, padded or not, line breaks anywhere, as Go reads it.
 *
 * @returns undefined for anything else
 */
export function decodeBase64(text: string): Buffer | undefined {
  const isPadded = text.length % 4 === 0;
  const plain = text.replace(/[\r\n]/g, '');
  const alphabet = /[-_]/.test(plain) ? /^[A-Za-z0-9_-]*(={0,2})$/ : /^[A-Za-z0-9+/]*(={0,2})$/;
  const padding = alphabet.exec(plain)?.[1];
  if (padding === undefined) return undefined;
  if (isPadded ? plain.length % 4 !== 0 : padding !== '' || plain.length % 4 === 1) return undefined;
  return Buffer.from(plain, 'base64');
}

interface Range {
  readonly min: bigint;
  readonly max: bigint;
}

const ranges: Record<'int32' | 'int64' | 'uint32' | 'uint64', Range> = {
  int32: { min: -(2n ** 31n), max: 2n ** 31n - 1n },
  int64: { min: -(2n ** 63n), max: 2n ** 63n - 1n },
  uint32: { min: 0n, max: 2n ** 32n - 1n },
  uint64: { min: 0n, max: 2n ** 64n - 1n },
};

/** Numbers and strings with numbers in them, as long as the value is whole: `1`, `"1"`, `1.0`, `10e-1`. */
function integer(node: JsonNode, { min, max }: Range): bigint | undefined {
  const text = node.kind === 'number' ? node.raw : node.kind === 'string' ? node.value : '';
  // More characters than a whole number needs, and few enough for the expressions below.
  if (text.length > 300) return undefined;
  const match = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponentText = '0'] = match;
  const digits = `${whole}${fraction}`.replace(/^0+/, '').replace(/0+$/, '');
  if (digits === '') return 0n;
  // What the digits lost at their end counts for the exponent again.
  const trailing = /0*$/.exec(`${whole}${fraction}`)?.[0].length ?? 0;
  const exponent = Number(exponentText) - fraction.length + trailing;
  if (exponent < 0 || digits.length + exponent > 20) return undefined;
  const value = BigInt(`${sign}${digits}${'0'.repeat(exponent)}`);
  return value < min || value > max ? undefined : value;
}
