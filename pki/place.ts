/** Where in a damaged PEM or DER file the damage is: OpenSSL's own errors tell only which of its functions met it. */

/** Certificates nest about ten deep; a deeper value is made to exhaust whoever reads it. */
const maxDepth = 32;

const universal = { octetString: 0x04 };

/**
 * Reads the tags and lengths of a DER value, and of all values inside, without recursion.
 * @returns the first thing that is wrong, with its byte offset, or undefined
 */
export function derProblem(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return 'it is empty';
  /** The ends of the constructed values that the present one lies in. */
  const ends: number[] = [];
  let at = 0;
  let end = bytes.length;
  while (at < end || ends.length > 0) {
    if (at === end) {
      end = ends.pop() as number;
      continue;
    }
    if (ends.length === 0 && at > 0) return `at byte ${at}: something follows the end`;
    const header = readHeader(bytes, at, end);
    if (typeof header === 'string') return `at byte ${at}: ${header}`;
    const { tag, start, next } = header;
    if ((tag & 0x20) === 0) {
      at = next;
      continue;
    }
    if (ends.length >= maxDepth) return `at byte ${at}: values are nested more than ${maxDepth} deep`;
    ends.push(end);
    at = start;
    end = next;
  }
  return undefined;
}

function readHeader(bytes: Uint8Array, at: number, end: number): { tag: number; start: number; next: number } | string {
  const tag = bytes[at] as number;
  if (tag === 0) return 'an empty tag';
  if ((tag & 0x1f) === 0x1f) return 'a tag of several octets, which no certificate has';
  let length = at + 1 < end ? (bytes[at + 1] as number) : undefined;
  if (length === undefined) return 'cut off after the tag';
  let start = at + 2;
  if (length >= 0x80) {
    const count = length & 0x7f;
    if (count === 0 || count > 4)
      return count === 0 ? 'an indefinite length, which is not DER' : 'a length beyond reason';
    if (start + count > end) return 'cut off within the length';
    length = bytes.subarray(start, start + count).reduce((value, octet) => value * 256 + octet, 0);
    start += count;
  }
  if (start + length > end) return `a length of ${length} bytes, but ${end - start} are left`;
  return { tag, start, next: start + length };
}

/** @returns the damage as the end of a sentence: `: at byte 4: ...`, or nothing if the structure is whole */
export function placeInBytes(bytes: Uint8Array): string {
  // Bytes that begin as no DER value at all are likely to be PEM or something else altogether.
  if (bytes.length > 0 && bytes[0] !== 0x30 && bytes[0] !== universal.octetString) {
    return placeInPem(Buffer.from(bytes).toString('latin1'));
  }
  const problem = derProblem(bytes);
  return problem === undefined ? '' : `: ${problem}`;
}

/** @returns as `placeInBytes`, with the line of the PEM block */
export function placeInPem(pem: string): string {
  const begin = /^-----BEGIN ([A-Z0-9 ]+)-----\r?$/m.exec(pem);
  if (begin === null) return pem.trim() === '' ? ': it is empty' : ': it has no BEGIN line';
  const line = pem.slice(0, begin.index).split('\n').length;
  const rest = pem.slice(begin.index + begin[0].length);
  const end = rest.indexOf(`-----END ${begin[1]}-----`);
  if (end < 0) return `: line ${line}: BEGIN ${begin[1]} has no END`;
  const body = rest.slice(0, end);
  const strange = /[^A-Za-z0-9+/=\s]/.exec(body);
  if (strange !== null) {
    return `: line ${line + body.slice(0, strange.index).split('\n').length - 1}: a character that is not base64`;
  }
  const problem = derProblem(Buffer.from(body, 'base64'));
  return problem === undefined ? '' : `: in the ${begin[1]} of line ${line}, ${problem}`;
}
