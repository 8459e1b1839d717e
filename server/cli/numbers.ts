/** Numbers as Go's strconv reads them and go-humanize writes them. */

/** Thrown with strconv's text, such as `strconv.ParseInt: parsing "x": invalid syntax`. */
export class NumberError extends Error {
  override readonly name = 'NumberError';
}

/**
 * A 64-bit integer.
 *
 * @param base 10 or 16, or 0 for a prefix (`0x`, `0o`, `0b`, `0`) that tells, as flags are read
 * @throws NumberError
 */
export function parseInt64(text: string, base: 0 | 10 | 16): bigint {
  return parseInteger('ParseInt', text, base, -(1n << 63n), (1n << 63n) - 1n);
}

/** As `parseInt64`, unsigned. */
export function parseUint64(text: string, base: 0 | 10 | 16): bigint {
  return parseInteger('ParseUint', text, base, 0n, (1n << 64n) - 1n);
}

function parseInteger(name: string, text: string, base: 0 | 10 | 16, low: bigint, high: bigint): bigint {
  const fail = (why: string): NumberError =>
    new NumberError(`strconv.${name}: parsing ${JSON.stringify(text)}: ${why}`);
  const sign = low < 0n ? (/^[+-]/.exec(text)?.[0] ?? '') : '';
  const digits = normalizedDigits(text.slice(sign.length), base);
  if (digits === undefined) throw fail('invalid syntax');
  const value = sign === '-' ? -BigInt(digits) : BigInt(digits);
  if (value < low || value > high) throw fail('value out of range');
  return value;
}

/** Digits in a form that BigInt reads; undefined when they are none. */
function normalizedDigits(digits: string, base: 0 | 10 | 16): string | undefined {
  if (base === 16) return /^[0-9a-f]+$/i.test(digits) ? `0x${digits}` : undefined;
  if (base === 10) return /^[0-9]+$/.test(digits) ? digits : undefined;
  // With base 0, Go allows underscores between digits.
  if (/__|^_|_$/.test(digits)) return undefined;
  const plain = digits.replaceAll('_', '').toLowerCase();
  if (/^(?:0x[0-9a-f]+|0o[0-7]+|0b[01]+|0|[1-9][0-9]*)$/.test(plain)) return plain;
  return /^0[0-7]+$/.test(plain) ? `0o${plain.slice(1)}` : undefined;
}

/** Bytes in SI units: `982 B`, `25 kB`, `2.1 GB`; one decimal below ten (contract: cli §1.5). */
export function humanizeBytes(bytes: number): string {
  if (bytes < 10) return `${bytes} B`;
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];
  const exponent = Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  const value = Math.floor((bytes / 1000 ** exponent) * 10 + 0.5) / 10;
  return `${value < 10 ? value.toFixed(1) : roundHalfToEven(value)} ${units[exponent]}`;
}

/** As Go's `%.0f`: 20.5 becomes 20, where `toFixed` says 21. */
function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
