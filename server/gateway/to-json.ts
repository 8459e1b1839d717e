/** From the protobuf wire to JSON, as upstream's gateway writes it (contract: api.md §4.1). */
import { reflection } from '../proto/gen/reflection.ts';
import type { FieldType } from '../proto/reflection.ts';
import { Reader } from '../proto/wire.ts';

/**
 * Fields in the order of the .proto file under their original names; those at their default are left out.
 *
 * @param type full name of the message
 * @param bytes a message of this server
 * @param comma what stands between two fields or elements: upstream has `, ` in single answers and `,` in streams
 * @throws WireError when the bytes are not such a message
 */
export function wireToJson(type: string, bytes: Uint8Array, comma: ', ' | ','): string {
  return message(type, new Reader(bytes), comma);
}

const indexByNumber = new Map(
  Object.entries(reflection.messages).map(([type, fields]) => [
    type,
    new Map(fields.map((field, index) => [field.number, index])),
  ]),
);

const enumNames = new Map(
  Object.entries(reflection.enums).map(([type, values]) => [
    type,
    new Map(Object.entries(values).map(([name, number]) => [number, name])),
  ]),
);

function message(type: string, reader: Reader, comma: string): string {
  const fields = reflection.messages[type] ?? [];
  const indexes = indexByNumber.get(type);
  const values: string[][] = fields.map(() => []);
  while (reader.pos < reader.end) {
    const tag = reader.uint32();
    const index = indexes?.get(tag >>> 3);
    if (index === undefined) {
      reader.skip(tag);
      continue;
    }
    const field = fields[index] as FieldType;
    const collected = values[index] as string[];
    const read = (): void => {
      collected.push(value(field, reader, comma));
    };
    if (field.repeated && isVarint(field)) reader.repeated(tag, read);
    else read();
  }
  const parts = fields.flatMap((field, index) => {
    const collected = values[index] as string[];
    if (collected.length === 0) return [];
    // proto3: of a single field that comes twice, the last one counts.
    const json = field.repeated ? `[${collected.join(comma)}]` : collected.at(-1);
    return [`"${field.name}":${json}`];
  });
  return `{${parts.join(comma)}}`;
}

function isVarint({ kind }: FieldType): boolean {
  return kind !== 'message' && kind !== 'bytes' && kind !== 'string';
}

function value(field: FieldType, reader: Reader, comma: string): string {
  switch (field.kind) {
    case 'message':
      return reader.message((inner) => message(field.type as string, inner, comma));
    case 'bytes': {
      const bytes = reader.bytes();
      return `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}"`;
    }
    case 'string':
      return JSON.stringify(reader.string());
    case 'bool':
      return String(reader.bool());
    case 'int32':
      return String(reader.int32());
    case 'uint32':
      return String(reader.uint32());
    case 'int64':
      return `"${reader.int64()}"`;
    case 'uint64':
      return `"${reader.uint64()}"`;
    case 'enum': {
      const number = reader.int32();
      const name = enumNames.get(field.type as string)?.get(number);
      return name === undefined ? String(number) : `"${name}"`;
    }
  }
}
