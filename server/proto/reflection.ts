/** What the generated reflection says of messages and methods: as much as a translation between JSON and the wire needs. */

export type FieldKind = 'bool' | 'bytes' | 'enum' | 'int32' | 'int64' | 'message' | 'string' | 'uint32' | 'uint64';

export interface FieldType {
  readonly number: number;
  /** As in the .proto file: `range_end`. */
  readonly name: string;
  /** In camel case, for JSON: `rangeEnd`. */
  readonly jsonName: string;
  readonly kind: FieldKind;
  readonly repeated: boolean;
  /** Full name of the enum or message: `mvccpb.KeyValue`. */
  readonly type?: string;
  /** Full name of the oneof that the field belongs to: `etcdserverpb.Compare.target_union`. */
  readonly oneof?: string;
}

/** Fields in the order of the .proto file. */
export type MessageType = readonly FieldType[];

/** Numbers by name. */
export type EnumType = Readonly<Record<string, number>>;

/** A method of a service, with the full names of what it takes and gives. */
export interface MethodType {
  readonly request: string;
  readonly response: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

export interface Reflection {
  /** By full name. */
  readonly messages: Readonly<Record<string, MessageType>>;
  /** By full name. */
  readonly enums: Readonly<Record<string, EnumType>>;
  /** By path: `/etcdserverpb.KV/Range`. */
  readonly methods: Readonly<Record<string, MethodType>>;
}
