/** The few ASN.1 shapes that a certificate is made of (X.690 DER), on node-forge's encoder. */
import type forge from 'node-forge';
// One by one, since all of it, ciphers and protocols, takes as long to load as a certificate to make.
import asn1 from 'node-forge/lib/asn1.js';
import pemForm from 'node-forge/lib/pem.js';
import util from 'node-forge/lib/util.js';

export type Asn1 = forge.asn1.Asn1;

const { Class, Type } = asn1;

/** node-forge keeps bytes in strings, one character each. */
export function toBinary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

export function fromBinary(binary: string): Buffer {
  return Buffer.from(binary, 'latin1');
}

export function encode(value: Asn1): Buffer {
  return fromBinary(asn1.toDer(value).getBytes());
}

/** @throws Error if the bytes are not one DER value */
export function decode(der: Uint8Array): Asn1 {
  // Without the option forge guesses at the content of bit strings: a signature can look like ASN.1 by chance.
  return asn1.fromDer(toBinary(der), { decodeBitStrings: false } as unknown as boolean);
}

export function sequence(...items: Asn1[]): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, items);
}

export function set(...items: Asn1[]): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.SET, true, items);
}

export function oid(dotted: string): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.OID, false, asn1.oidToDer(dotted).getBytes());
}

export function utf8String(text: string): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.UTF8, false, toBinary(Buffer.from(text, 'utf8')));
}

/** @param bytes big-endian two's complement, shortest form */
export function integer(bytes: Uint8Array): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.INTEGER, false, toBinary(bytes));
}

/** @param value not negative */
export function unsigned(value: bigint | number): Asn1 {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  // The highest bit is the sign.
  return integer((bytes[0] as number) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
}

/** @param value 0 to 127 */
export function enumerated(value: number): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.ENUMERATED, false, String.fromCharCode(value));
}

/** DER knows one TRUE: 0xFF. FALSE, where it is the default, is left out. */
export function booleanTrue(): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.BOOLEAN, false, '\xff');
}

export function nullValue(): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.NULL, false, '');
}

export function octetString(bytes: Uint8Array): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.OCTETSTRING, false, toBinary(bytes));
}

/** @param unusedBits how many low bits of the last octet do not count */
export function bitString(bytes: Uint8Array, unusedBits = 0): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.BITSTRING, false, String.fromCharCode(unusedBits) + toBinary(bytes));
}

/** `[tag]` around other values (EXPLICIT, or IMPLICIT of a SEQUENCE). */
export function contextConstructed(tag: number, ...items: Asn1[]): Asn1 {
  return asn1.create(Class.CONTEXT_SPECIFIC, tag as forge.asn1.Type, true, items);
}

/** `[tag] IMPLICIT` of a string type. */
export function contextPrimitive(tag: number, bytes: Uint8Array): Asn1 {
  return asn1.create(Class.CONTEXT_SPECIFIC, tag as forge.asn1.Type, false, toBinary(bytes));
}

/** UTCTime up to 2049, GeneralizedTime from 2050 on (RFC 5280 §4.1.2.5). */
export function time(date: Date): Asn1 {
  return date.getUTCFullYear() < 2050
    ? asn1.create(Class.UNIVERSAL, Type.UTCTIME, false, asn1.dateToUtcTime(date) as unknown as string)
    : asn1.create(Class.UNIVERSAL, Type.GENERALIZEDTIME, false, asn1.dateToGeneralizedTime(date) as unknown as string);
}

/** @returns the time of a UTCTime or GeneralizedTime @throws Error for anything else */
export function timeOf(value: Asn1 | undefined): Date {
  const text = content(value).toString('latin1');
  const date = Number(value?.type) === Type.UTCTIME ? asn1.utcTimeToDate(text) : asn1.generalizedTimeToDate(text);
  if (Number.isNaN(date.getTime())) throw new Error(`'${text}' is not a time`);
  return date;
}

/** @returns whether it is a UTCTime or GeneralizedTime */
export function isTime(value: Asn1 | undefined): boolean {
  return value?.tagClass === Class.UNIVERSAL && [Type.UTCTIME, Type.GENERALIZEDTIME].includes(Number(value.type));
}

/** @returns whether it is a value of that universal type */
export function isUniversal(value: Asn1 | undefined, type: 'INTEGER' | 'SEQUENCE'): value is Asn1 {
  return value?.tagClass === Class.UNIVERSAL && Number(value.type) === Type[type];
}

/** @returns the values inside a constructed one @throws Error if it is a primitive one */
export function children(value: Asn1 | undefined): Asn1[] {
  if (value === undefined || typeof value.value === 'string') throw new Error('a constructed ASN.1 value was expected');
  return value.value;
}

/** @returns the bytes of a primitive value @throws Error if it is a constructed one */
export function content(value: Asn1 | undefined): Buffer {
  if (value === undefined || typeof value.value !== 'string') throw new Error('a primitive ASN.1 value was expected');
  return fromBinary(value.value);
}

export function oidOf(value: Asn1 | undefined): string {
  return asn1.derToOid(util.createBuffer(toBinary(content(value))));
}

/** @returns the text with LF line ends, as openssl writes it */
export function pem(label: 'CERTIFICATE' | 'ENCRYPTED PRIVATE KEY' | 'X509 CRL', der: Uint8Array): string {
  const message = { type: label, body: toBinary(der) } as forge.pem.ObjectPEM;
  return pemForm.encode(message, { maxline: 64 }).replaceAll('\r\n', '\n');
}
