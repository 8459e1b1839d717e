/**
 * The serial numbers in a certificate revocation list (RFC 5280 §5.1). Like upstream, this looks at serials only:
 * neither at who signed the list nor at when it ends (contract: api.md §7), which is why OpenSSL's own check, which
 * does both, is not used.
 */

interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Where the next element begins. */
  readonly end: number;
}

const tags = { integer: 0x02, sequence: 0x30, utcTime: 0x17, generalizedTime: 0x18 };

/**
 * @param bytes DER, or PEM around it
 * @returns serials in the form of `X509Certificate.serialNumber`: upper-case hexadecimal
 * @throws Error when the bytes are not a revocation list
 */
export function revokedSerials(bytes: Uint8Array): Set<string> {
  const list = only(unwrapPem(bytes), tags.sequence);
  const signedPart = children(list)[0];
  if (signedPart === undefined || signedPart.tag !== tags.sequence) throw malformed('no list to be signed in it');
  let rest = children(signedPart.content);
  if (rest[0]?.tag === tags.integer) rest = rest.slice(1);
  // Algorithm, issuer, time of issue; then perhaps the time of the next one; then the entries, if there are any.
  if (rest[0]?.tag !== tags.sequence || rest[1]?.tag !== tags.sequence || !isTime(rest[2])) {
    throw malformed('not the fields of a revocation list');
  }
  const entries = rest[isTime(rest[3]) ? 4 : 3];
  const serials = new Set<string>();
  if (entries?.tag !== tags.sequence) return serials;
  for (const entry of children(entries.content)) {
    const serial = children(entry.content)[0];
    if (entry.tag !== tags.sequence || serial?.tag !== tags.integer) throw malformed('an entry without a serial');
    serials.add(normalizeSerial(Buffer.from(serial.content).toString('hex')));
  }
  return serials;
}

/** @returns the serial without leading zeros, in upper case */
export function normalizeSerial(hex: string): string {
  return hex.toUpperCase().replace(/^0+(?=.)/, '');
}

function isTime(element: Element | undefined): boolean {
  return element?.tag === tags.utcTime || element?.tag === tags.generalizedTime;
}

function unwrapPem(bytes: Uint8Array): Uint8Array {
  if (bytes[0] === tags.sequence) return bytes;
  const text = Buffer.from(bytes).toString('latin1');
  const match = /-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----/.exec(text);
  if (match === null) throw malformed('neither DER nor PEM');
  return Buffer.from(match[1] as string, 'base64');
}

function only(bytes: Uint8Array, tag: number): Uint8Array {
  const element = read(bytes, 0);
  if (element.tag !== tag) throw malformed('not a sequence');
  return element.content;
}

function children(bytes: Uint8Array): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length; at = (elements.at(-1) as Element).end) elements.push(read(bytes, at));
  return elements;
}

function read(bytes: Uint8Array, at: number): Element {
  const tag = bytes[at];
  let length = bytes[at + 1];
  let start = at + 2;
  if (tag === undefined || length === undefined) throw malformed('cut off');
  if (length > 0x80) {
    const lengthBytes = length & 0x7f;
    if (lengthBytes > 4) throw malformed('a length beyond reason');
    length = 0;
    for (let i = 0; i < lengthBytes; i++) length = length * 256 + (bytes[start++] ?? 0);
  } else if (length === 0x80) {
    throw malformed('not DER');
  }
  const end = start + length;
  if (end > bytes.length) throw malformed('cut off');
  return { tag, content: bytes.subarray(start, end), end };
}

function malformed(why: string): Error {
  return new Error(`malformed certificate revocation list: ${why}`);
}
