/**
 * Durations as Go writes and reads them (`100ms`, `1h30m`, `1.5s`): the form of etcd's flags, environment and logs.
 * Arithmetic is in whole nanoseconds, Go's resolution; the API speaks milliseconds.
 */

const nanosecondsPerUnit: Record<string, bigint> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n, // U+00B5, micro sign
  μs: 1_000n, // U+03BC, Greek mu
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const int64Limit = 1n << 63n;

/**
 * Reads a Go duration.
 *
 * @param text a signed sequence of decimal numbers with units, such as `-1.5h` or `2m30s`; `0` needs no unit
 * @returns milliseconds; fractions are kept down to a nanosecond
 * @throws Error in Go's words: `time: invalid duration "abc"`, `time: missing unit in duration "5"`,
 *   `time: unknown unit "d" in duration "1d"`
 */
export function parseGoDuration(text: string): number {
  const quoted = JSON.stringify(text);
  const negative = text.startsWith('-');
  const body = text.replace(/^[-+]/, '');
  if (body === '0') return 0;
  if (body === '') throw new Error(`time: invalid duration ${quoted}`);

  let nanoseconds = 0n;
  for (let rest = body; rest !== ''; ) {
    const match = /^(\d*)(?:\.(\d*))?([^\d.]*)/.exec(rest) as RegExpExecArray;
    const [whole, digits = '', fraction = '', unit = ''] = match;
    if (digits === '' && fraction === '') throw new Error(`time: invalid duration ${quoted}`);
    if (unit === '') throw new Error(`time: missing unit in duration ${quoted}`);
    const perUnit = nanosecondsPerUnit[unit];
    if (perUnit === undefined) {
      throw new Error(`time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`);
    }
    // Digits beyond a nanosecond of an hour cannot count; cutting them bounds the work.
    const kept = fraction.slice(0, 18);
    nanoseconds += BigInt(digits || '0') * perUnit;
    nanoseconds += (BigInt(kept || '0') * perUnit) / 10n ** BigInt(kept.length);
    if (nanoseconds >= int64Limit) throw new Error(`time: invalid duration ${quoted}`);
    rest = rest.slice(whole.length);
  }
  const milliseconds = Number(nanoseconds / 1_000_000n) + Number(nanoseconds % 1_000_000n) / 1e6;
  return negative ? -milliseconds : milliseconds;
}

/**
 * Writes a duration as Go's `Duration.String` does: `0s`, `100ms`, `1m30s`, `1h0m0s`, `1.5µs`.
 *
 * @param milliseconds rounded to whole nanoseconds
 */
export function formatGoDuration(milliseconds: number): string {
  const total = BigInt(Math.round(Math.abs(milliseconds) * 1e6));
  if (total === 0n) return '0s';
  const sign = milliseconds < 0 ? '-' : '';
  if (total < 1_000n) return `${sign}${total}ns`;
  if (total < 1_000_000n) return `${sign}${decimal(total, 3)}µs`;
  if (total < 1_000_000_000n) return `${sign}${decimal(total, 6)}ms`;
  const minutes = total / 60_000_000_000n;
  const seconds = `${decimal(total % 60_000_000_000n, 9)}s`;
  if (minutes === 0n) return `${sign}${seconds}`;
  const hours = minutes / 60n;
  return hours === 0n ? `${sign}${minutes}m${seconds}` : `${sign}${hours}h${minutes % 60n}m${seconds}`;
}

/** `value` / 10^places without trailing zeros. */
function decimal(value: bigint, places: number): string {
  const digits = value.toString().padStart(places + 1, '0');
  const fraction = digits.slice(-places).replace(/0+$/, '');
  const whole = digits.slice(0, -places);
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
