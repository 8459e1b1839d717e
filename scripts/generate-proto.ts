/**
 * Writes server/proto/gen/*.ts from server/proto/*.proto.
 *
 * A generator of our own, because the message codecs are on the path of every request: the ones at hand turn each
 * 64-bit field into a bigint and then into a string and a number, and none writes proto2's required zero fields,
 * which upstream's log files have. `buf` parses the .proto files.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

interface FieldDescriptor {
  name: string;
  number: number;
  label: 'LABEL_OPTIONAL' | 'LABEL_REQUIRED' | 'LABEL_REPEATED';
  type: string;
  typeName?: string;
  jsonName?: string;
  oneofIndex?: number;
  options?: { jstype?: string };
}

interface EnumDescriptor {
  name: string;
  value: { name: string; number?: number }[];
}

interface MessageDescriptor {
  name: string;
  field?: FieldDescriptor[];
  nestedType?: MessageDescriptor[];
  enumType?: EnumDescriptor[];
  oneofDecl?: { name: string }[];
}

interface ServiceDescriptor {
  name: string;
  method: {
    name: string;
    inputType: string;
    outputType: string;
    clientStreaming?: boolean;
    serverStreaming?: boolean;
  }[];
}

interface FileDescriptor {
  name: string;
  package: string;
  syntax?: string;
  messageType?: MessageDescriptor[];
  enumType?: EnumDescriptor[];
  service?: ServiceDescriptor[];
}

/** How one scalar type is written in TypeScript and moved over the wire. */
interface Codec {
  type: string;
  zero: string;
  isZero: (value: string) => string;
  read: string;
  write: (value: string) => string;
  wireType: number;
}

const root = path.resolve(import.meta.dirname, '..');
const protoDir = path.join(root, 'server/proto');
const outDir = path.join(protoDir, 'gen');

const number = (read: string, write: string): Codec => ({
  type: 'number',
  zero: '0',
  isZero: (value) => `${value} === 0`,
  read: `r.${read}()`,
  write: (value) => `w.${write}(${value})`,
  wireType: 0,
});
const bigint = (read: string): Codec => ({
  type: 'bigint',
  zero: '0n',
  isZero: (value) => `${value} === 0n`,
  read: `r.${read}()`,
  write: (value) => `w.varint64(${value})`,
  wireType: 0,
});

function codecOf(field: FieldDescriptor, syntax: string): Codec {
  const asNumber = field.options?.jstype === 'JS_NUMBER';
  switch (field.type) {
    case 'TYPE_INT64':
      return asNumber ? number('int64Number', 'varintNumber') : bigint('int64');
    case 'TYPE_UINT64':
      return asNumber ? number('uint64Number', 'varintNumber') : bigint('uint64');
    case 'TYPE_UINT32':
      return number('uint32', 'uint32');
    case 'TYPE_BOOL':
      return {
        type: 'boolean',
        zero: 'false',
        isZero: (value) => `!${value}`,
        read: 'r.bool()',
        write: (value) => `w.bool(${value})`,
        wireType: 0,
      };
    case 'TYPE_STRING':
      return {
        type: 'string',
        zero: "''",
        isZero: (value) => `${value} === ''`,
        read: 'r.string()',
        write: (value) => `w.string(${value})`,
        wireType: 2,
      };
    case 'TYPE_BYTES':
      return {
        type: 'Uint8Array',
        zero: 'empty',
        isZero: (value) => `${value}.length === 0`,
        read: 'r.bytes()',
        write: (value) => `w.bytes(${value})`,
        wireType: 2,
      };
    case 'TYPE_ENUM': {
      const name = typeName(field.typeName ?? '');
      return {
        ...number('int32', 'int32'),
        type: name,
        read: `r.int32() as ${name}`,
      };
    }
    case 'TYPE_MESSAGE': {
      const name = typeName(field.typeName ?? '');
      return {
        type: name,
        zero: `${name}.create()`,
        isZero: (value) => `${value} === undefined`,
        read: `r.message(decode${name})`,
        write: (value) => `{ const s = w.open(); write${name}(w, ${value}); w.close(s); }`,
        wireType: 2,
      };
    }
    default:
      throw new Error(`field ${field.name}: no codec for ${field.type} (${syntax})`);
  }
}

/** `.etcdserverpb.RangeRequest.SortOrder` is called `RangeRequest_SortOrder`; a package may have dots, too. */
function typeName(qualified: string): string {
  const inPackage = descriptors.file.find((file) => qualified.startsWith(`.${file.package}.`));
  if (inPackage === undefined) throw new Error(`no file declares the package of ${qualified}`);
  return qualified.slice(inPackage.package.length + 2).replaceAll('.', '_');
}

function enumCode(descriptor: EnumDescriptor, prefix: string): string {
  const name = prefix + descriptor.name;
  const values = descriptor.value.map((value) => `  ${value.name}: ${value.number ?? 0},`).join('\n');
  return `export const ${name} = {\n${values}\n} as const;\nexport type ${name} = (typeof ${name})[keyof typeof ${name}];\n`;
}

function messageCode(message: MessageDescriptor, prefix: string, syntax: string): string {
  const name = prefix + message.name;
  const fields = (message.field ?? []).map((field) => {
    const codec = codecOf(field, syntax);
    const isMessage = field.type === 'TYPE_MESSAGE';
    const repeated = field.label === 'LABEL_REPEATED';
    const required = field.label === 'LABEL_REQUIRED';
    const optional = !repeated && !required && (isMessage || syntax === 'proto2' || field.oneofIndex !== undefined);
    return { ...field, codec, repeated, required, optional };
  });
  const out: string[] = [];

  out.push(`export interface ${name} {`);
  for (const field of fields) {
    if (field.repeated) out.push(`  ${field.name}: ${field.codec.type}[];`);
    else if (field.optional) out.push(`  ${field.name}?: ${field.codec.type} | undefined;`);
    else out.push(`  ${field.name}: ${field.codec.type};`);
  }
  out.push('}', '');

  out.push(`function create${name}(): ${name} {`, '  return {');
  for (const field of fields) {
    out.push(`    ${field.name}: ${field.repeated ? '[]' : field.optional ? 'undefined' : field.codec.zero},`);
  }
  out.push('  };', '}', '');

  out.push(
    `export function write${name}(${fields.length ? 'w' : '_w'}: Writer, ${fields.length ? 'm' : '_m'}: ${name}): void {`,
  );
  for (const field of fields) {
    const { codec } = field;
    const tag = `w.uint32(${(field.number << 3) | codec.wireType});`;
    const value = `m.${field.name}`;
    const isMessage = field.type === 'TYPE_MESSAGE';
    const end = isMessage ? '' : ';';
    if (field.repeated && codec.wireType === 0 && syntax === 'proto3') {
      out.push(`  if (${value}.length > 0) {`, `    w.uint32(${(field.number << 3) | 2});`, '    const s = w.open();');
      out.push(`    for (const v of ${value}) ${codec.write('v')};`, '    w.close(s);', '  }');
    } else if (field.repeated) {
      out.push(`  for (const v of ${value}) { ${tag} ${codec.write('v')}${end} }`);
    } else if (field.optional) {
      out.push(`  if (${value} !== undefined) { ${tag} ${codec.write(value)}${end} }`);
    } else if (field.required) {
      out.push(`  ${tag} ${codec.write(value)}${end}`);
    } else {
      out.push(`  if (!(${codec.isZero(value)})) { ${tag} ${codec.write(value)}${end} }`);
    }
  }
  out.push('}', '');

  out.push(
    `export function decode${name}(r: Reader): ${name} {`,
    `  const m = create${name}();`,
    '  while (r.pos < r.end) {',
  );
  out.push('    const tag = r.uint32();', '    switch (tag) {');
  for (const field of fields) {
    const { codec } = field;
    const tag = (field.number << 3) | codec.wireType;
    if (field.repeated && codec.wireType === 0) {
      out.push(`      case ${tag}:`, `      case ${(field.number << 3) | 2}:`);
      out.push(`        r.repeated(tag, () => m.${field.name}.push(${codec.read}));`, '        break;');
    } else if (field.repeated) {
      out.push(`      case ${tag}:`, `        m.${field.name}.push(${codec.read});`, '        break;');
    } else {
      out.push(`      case ${tag}:`, `        m.${field.name} = ${codec.read};`, '        break;');
    }
  }
  out.push('      default:', '        r.skip(tag);', '    }', '  }', '  return m;', '}', '');

  out.push(`export const ${name}: ProtoCodec<${name}> = {`);
  out.push(`  create: (init) => (init === undefined ? create${name}() : { ...create${name}(), ...init }),`);
  out.push(`  encode: (message) => encodeWith((w) => write${name}(w, message)),`);
  out.push(`  decode: (bytes) => decode${name}(new Reader(bytes)),`);
  out.push('};', '');

  const nested = (message.nestedType ?? []).map((inner) => messageCode(inner, `${name}_`, syntax));
  const enums = (message.enumType ?? []).map((inner) => enumCode(inner, `${name}_`));
  return [...enums, ...nested, out.join('\n')].join('\n');
}

function serviceCode(file: FileDescriptor, service: ServiceDescriptor): string {
  const methods = service.method.map((method) => {
    const request = typeName(method.inputType);
    const response = typeName(method.outputType);
    return [
      `  ${method.name}: {`,
      `    path: '/${file.package}.${service.name}/${method.name}',`,
      `    requestStream: ${method.clientStreaming ?? false},`,
      `    responseStream: ${method.serverStreaming ?? false},`,
      `    request: ${request},`,
      `    response: ${response},`,
      `  } satisfies MethodDefinition<${request}, ${response}>,`,
    ].join('\n');
  });
  return `export const ${service.name}Service = {\n${methods.join('\n')}\n};\n`;
}

/**
 * The module `reflection.ts`: all methods of all services, and the messages and enums that can be reached from them.
 * Types of the log and of the disk stay out.
 */
function reflectionCode(): string {
  const declared = new Map<string, { message?: MessageDescriptor; enumeration?: EnumDescriptor }>();
  const declare = (message: MessageDescriptor, scope: string): void => {
    const name = `${scope}.${message.name}`;
    declared.set(name, { message });
    for (const inner of message.nestedType ?? []) declare(inner, name);
    for (const inner of message.enumType ?? []) declared.set(`${name}.${inner.name}`, { enumeration: inner });
  };
  for (const file of descriptors.file) {
    for (const message of file.messageType ?? []) declare(message, `.${file.package}`);
    for (const inner of file.enumType ?? []) declared.set(`.${file.package}.${inner.name}`, { enumeration: inner });
  }
  const messages: Record<string, object[]> = {};
  const enums: Record<string, object> = {};
  const reach = (qualified: string): void => {
    const name = qualified.slice(1);
    if (name in messages || name in enums) return;
    const { message, enumeration } = declared.get(qualified) ?? {};
    if (enumeration) enums[name] = Object.fromEntries(enumeration.value.map((each) => [each.name, each.number ?? 0]));
    if (!message) return;
    messages[name] = (message.field ?? []).map((field) => ({
      number: field.number,
      name: field.name,
      jsonName: field.jsonName ?? field.name,
      kind: field.type.slice('TYPE_'.length).toLowerCase(),
      repeated: field.label === 'LABEL_REPEATED',
      ...(field.typeName && { type: field.typeName.slice(1) }),
      ...(field.oneofIndex !== undefined && { oneof: `${name}.${message.oneofDecl?.[field.oneofIndex]?.name}` }),
    }));
    for (const { typeName: used } of message.field ?? []) if (used) reach(used);
  };
  const methods: Record<string, object> = {};
  for (const file of descriptors.file) {
    for (const service of file.service ?? []) {
      for (const { name, inputType, outputType, clientStreaming, serverStreaming } of service.method) {
        reach(inputType);
        reach(outputType);
        methods[`/${file.package}.${service.name}/${name}`] = {
          ...{ request: inputType.slice(1), response: outputType.slice(1) },
          ...{ requestStream: clientStreaming ?? false, responseStream: serverStreaming ?? false },
        };
      }
    }
  }
  const table = (entries: object): string =>
    Object.entries(entries)
      .map(([key, value]) =>
        Array.isArray(value)
          ? `    '${key}': [\n${value.map((each) => `      ${JSON.stringify(each)},\n`).join('')}    ],\n`
          : `    '${key}': ${JSON.stringify(value)},\n`,
      )
      .join('');
  return [
    '// Generated by scripts/generate-proto.ts. Edit that, then run "npm run generate".',
    "import type { Reflection } from '../reflection.ts';",
    '',
    'export const reflection: Reflection = {',
    `  messages: {\n${table(messages)}  },`,
    `  enums: {\n${table(enums)}  },`,
    `  methods: {\n${table(methods)}  },`,
    '};',
    '',
  ].join('\n');
}

/** The names of all message and enum types that the fields of `file` refer to. */
function namesUsedBy(file: FileDescriptor): Set<string> {
  const names = new Set<string>();
  const visit = (message: MessageDescriptor): void => {
    for (const field of message.field ?? []) if (field.typeName) names.add(typeName(field.typeName));
    message.nestedType?.forEach(visit);
  };
  file.messageType?.forEach(visit);
  return names;
}

const descriptors = JSON.parse(
  execFileSync(path.join(root, 'node_modules/.bin/buf'), ['build', '--as-file-descriptor-set', '-o', '-#format=json'], {
    cwd: protoDir,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  }),
) as { file: FileDescriptor[] };

/** Which generated module declares a message, write function or enum. */
const moduleOf = new Map<string, string>();
for (const file of descriptors.file) {
  const declare = (message: MessageDescriptor, prefix: string): void => {
    moduleOf.set(prefix + message.name, file.name);
    for (const inner of message.nestedType ?? []) declare(inner, `${prefix}${message.name}_`);
    for (const inner of message.enumType ?? []) moduleOf.set(`${prefix}${message.name}_${inner.name}`, file.name);
  };
  for (const message of file.messageType ?? []) declare(message, '');
  for (const inner of file.enumType ?? []) moduleOf.set(inner.name, file.name);
}

rmSync(outDir, { recursive: true, force: true });
mkdirSync(outDir, { recursive: true });
for (const file of descriptors.file) {
  const syntax = file.syntax ?? 'proto2';
  const body = [
    ...(file.enumType ?? []).map((descriptor) => enumCode(descriptor, '')),
    ...(file.messageType ?? []).map((message) => messageCode(message, '', syntax)),
    ...(file.service ?? []).map((service) => serviceCode(file, service)),
  ].join('\n');

  const imports = new Map<string, Set<string>>();
  for (const name of namesUsedBy(file)) {
    const module = moduleOf.get(name);
    if (module === undefined || module === file.name) continue;
    const names = imports.get(module) ?? new Set();
    for (const used of [name, `write${name}`, `decode${name}`]) {
      if (new RegExp(`\\b${used}\\b`).test(body)) names.add(used);
    }
    imports.set(module, names);
  }
  const wire = ['Reader', 'encodeWith', 'type ProtoCodec', 'type MethodDefinition', 'type Writer'].filter((name) =>
    new RegExp(`\\b${name.replace('type ', '')}\\b`).test(body),
  );
  const head = [
    `// Generated from ${file.name} by scripts/generate-proto.ts. Edit that, then run "npm run generate".`,
    `import { ${wire.join(', ')} } from '../wire.ts';`,
    ...[...imports].map(
      ([module, names]) => `import { ${[...names].sort().join(', ')} } from './${module.replace('.proto', '.ts')}';`,
    ),
    ...(/\bempty\b/.test(body) ? ['', 'const empty = new Uint8Array(0);'] : []),
    '',
  ].join('\n');
  writeFileSync(path.join(outDir, file.name.replace('.proto', '.ts')), `${head}\n${body}`);
}
writeFileSync(path.join(outDir, 'reflection.ts'), reflectionCode());
