/** Text as Go's fmt, strconv and encoding/json write it. */

const escapes: Record<number, string> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
};

/**
 * Go's `%q` of a string: double-quoted, with escapes for what cannot be printed and `\x..` for bytes that are not
 * UTF-8.
 */
export function quote(text: Uint8Array | string): string {
  const bytes = typeof text === 'string' ? Buffer.from(text) : Buffer.from(text);
  let quoted = '"';
  for (let at = 0; at < bytes.length; ) {
    const length = utf8Length(bytes, at);
    if (length === 0) {
      quoted += hexEscape(bytes[at] as number);
      at++;
      continue;
    }
    quoted += quoteCharacter(bytes.toString('utf8', at, at + length));
    at += length;
  }
  return `${quoted}"`;
}

function quoteCharacter(character: string): string {
  const code = character.codePointAt(0) as number;
  const escaped = escapes[code];
  if (escaped !== undefined) return escaped;
  if (isPrintable(character, code)) return character;
  if (code < 0x80) return hexEscape(code);
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\U${code.toString(16).padStart(8, '0')}`;
}

/** Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space. */
function isPrintable(character: string, code: number): boolean {
  return code === 0x20 || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(character);
}

function hexEscape(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

/** Length of the UTF-8 sequence that starts at `at`; 0 when there is no valid one. */
function utf8Length(bytes: Buffer, at: number): number {
  const first = bytes[at] as number;
  const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length <= 1) return length;
  if (at + length > bytes.length) return 0;
  for (let i = 1; i < length; i++) if (((bytes[at + i] as number) & 0xc0) !== 0x80) return 0;
  const second = bytes[at + 1] as number;
  const overlong = (first === 0xe0 && second < 0xa0) || (first === 0xf0 && second < 0x90);
  const beyond = (first === 0xed && second > 0x9f) || (first === 0xf4 && second > 0x8f);
  return overlong || beyond ? 0 : length;
}

const unescapes: Record<string, number> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 34, '\\': 92 };

/**
 * The reverse of `quote`, for a text with its double quotes.
 *
 * @returns undefined when it is not a Go string
 */
export function unquote(quoted: string): Buffer | undefined {
  if (quoted.length < 2 || !quoted.startsWith('"') || !quoted.endsWith('"')) return undefined;
  const parts: Buffer[] = [];
  const pattern =
    /\\(?:([abtnvfr"\\])|x([0-9a-fA-F]{2})|([0-3][0-7]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))|[^\\"\n]+|[\s\S]/gu;
  for (const [whole, simple, hex, octal, short, long] of quoted.slice(1, -1).matchAll(pattern)) {
    const byte = simple !== undefined ? unescapes[simple] : hex ? Number.parseInt(hex, 16) : undefined;
    const code = short ?? long;
    if (byte !== undefined) parts.push(Buffer.of(byte));
    else if (octal !== undefined) parts.push(Buffer.of(Number.parseInt(octal, 8)));
    else if (code !== undefined) {
      const value = Number.parseInt(code, 16);
      if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return undefined;
      parts.push(Buffer.from(String.fromCodePoint(value)));
    } else if (whole === '\\' || whole === '"' || whole === '\n') return undefined;
    else parts.push(Buffer.from(whole));
  }
  return Buffer.concat(parts);
}

/** A value, or undefined when it is what protobuf leaves out: zero, false, empty. */
export function nonZero<Value extends string | number | bigint | boolean | Uint8Array | readonly unknown[]>(
  value: Value,
): Value | undefined {
  if (typeof value === 'object') return value.length === 0 ? undefined : value;
  return value === 0 || value === 0n || value === false || value === '' ? undefined : value;
}
