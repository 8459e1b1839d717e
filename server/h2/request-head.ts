/** The header fields of a request, checked (RFC 9113 §8.2, §8.3). */
import type { HeaderField } from './header-table.ts';

/** Fields that steer one connection of HTTP/1 and mean nothing here (RFC 9113 §8.2.2). */
const connectionFields = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);
const pseudoFields = new Set([':method', ':scheme', ':authority', ':path']);
/** A token (RFC 9110 §5.6.2) without upper case. */
const fieldName = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** Neither control characters that would end a line elsewhere, nor white space around the value. */
const fieldValue = /^(?![ \t])[^\0\r\n]*(?<![ \t])$/;

export class RequestHead {
  readonly method: string;
  readonly path: string;
  readonly scheme: string;
  readonly authority: string | undefined;
  /** What the request says that its body has; undefined when it does not say. */
  readonly contentLength: number | undefined;
  /** In the order of the wire, pseudo-header fields included. */
  readonly fields: readonly HeaderField[];
  /** What was asked for before: heads are used again, and asked for the same few names each time. */
  private readonly found = new Map<string, string | undefined>();

  constructor(fields: readonly HeaderField[]) {
    this.fields = fields;
    this.method = this.get(':method') ?? '';
    this.path = this.get(':path') ?? '';
    this.scheme = this.get(':scheme') ?? '';
    this.authority = this.get(':authority');
    const length = this.get('content-length');
    this.contentLength = length === undefined ? undefined : Number(length);
  }

  /** One field by its lower-case name; several of one name are joined as RFC 9110 §5.3 and RFC 9113 §8.2.3 allow. */
  get(name: string): string | undefined {
    let value = this.found.get(name);
    if (value !== undefined || this.found.has(name)) return value;
    value = this.find(name);
    this.found.set(name, value);
    return value;
  }

  private find(name: string): string | undefined {
    let found: string | undefined;
    for (const field of this.fields) {
      if (field.name !== name) continue;
      found = found === undefined ? field.value : `${found}${name === 'cookie' ? '; ' : ', '}${field.value}`;
    }
    return found;
  }
}

/** @returns what is wrong with the fields of a request; undefined when nothing is */
export function requestProblem(fields: readonly HeaderField[]): string | undefined {
  const seen = new Set<string>();
  let isRegular = false;
  for (const field of fields) {
    if (!field.name.startsWith(':')) {
      isRegular = true;
      const problem = fieldProblem(field);
      if (problem !== undefined) return problem;
    } else if (isRegular) {
      return `${field.name} stands behind a regular field`;
    } else if (!pseudoFields.has(field.name) || seen.has(field.name) || !fieldValue.test(field.value)) {
      return `${field.name} is unknown, damaged or there twice`;
    } else {
      seen.add(field.name);
    }
  }
  return missingFields(fields, seen);
}

/** @returns what is wrong with the fields behind a request's body */
export function trailersProblem(fields: readonly HeaderField[]): string | undefined {
  for (const field of fields) {
    const problem = field.name.startsWith(':') ? `${field.name} among the trailers` : fieldProblem(field);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function fieldProblem({ name, value }: HeaderField): string | undefined {
  if (!fieldName.test(name)) return 'the name of a field is damaged';
  if (!fieldValue.test(value)) return `the value of ${name} is damaged`;
  if (connectionFields.has(name)) return `${name} has no place in HTTP/2`;
  if (name === 'te' && value !== 'trailers') return 'te may be nothing but "trailers"';
  if (name === 'content-length' && !/^\d{1,15}$/.test(value)) return 'content-length is no number';
  return undefined;
}

function missingFields(fields: readonly HeaderField[], seen: ReadonlySet<string>): string | undefined {
  const isConnect = fields.some(({ name, value }) => name === ':method' && value === 'CONNECT');
  if (isConnect) return 'CONNECT is not served';
  for (const name of [':method', ':scheme', ':path']) if (!seen.has(name)) return `${name} is missing`;
  if (fields.some(({ name, value }) => name === ':path' && value === '')) return ':path is empty';
  if (fields.filter(({ name }) => name === 'content-length').length > 1) return 'content-length is there twice';
  return undefined;
}
