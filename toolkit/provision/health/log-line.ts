/** etcd's JSON log lines, chosen and shortened for people. */

const maxLength = 480;
/** Said by every line of a kind, or of no use without the source. */
const hiddenFields = new Set(['level', 'ts', 'caller', 'msg', 'logger', 'stacktrace']);

/** @returns `08:13:02.123 warn  message key=value ...`; a line that is not etcd's JSON stays as it is */
export function formatLogLine(line: string): string {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return cut(line);
  }
  if (fields === null || typeof fields !== 'object' || typeof fields.msg !== 'string') return cut(line);
  const time = typeof fields.ts === 'string' ? fields.ts.slice(11, 23) : '';
  const level = String(fields.level ?? '').padEnd(5);
  const rest = Object.entries(fields)
    .filter(([name]) => !hiddenFields.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return cut([time, level, fields.msg, ...rest].join(' '));
}

interface Entry {
  readonly line: string;
  /** Of the line itself, or of the JSON line before it. */
  readonly ts: string;
  readonly level: string;
  readonly isJson: boolean;
}

function parseLines(lines: readonly string[]): Entry[] {
  let ts = '';
  return lines.map((line) => {
    try {
      const fields = JSON.parse(line) as { ts?: unknown; level?: unknown };
      if (typeof fields.ts === 'string') ts = fields.ts;
      return { line, ts, level: String(fields.level), isJson: true };
    } catch {
      return { line, ts, level: '', isJson: false };
    }
  });
}

const gravely = new Set(['error', 'dpanic', 'panic', 'fatal']);

/**
 * @param lines the end of a log, which may reach back into earlier runs
 * @param since start of the run that matters
 * @returns at most `count` lines, shortened: those that say what went wrong if there are any, else the last ones. A Go
 *   stack trace buries the reason under its frames; only its first line is of use here.
 */
export function tellingLines(lines: readonly string[], since: Date | undefined, count: number): string[] {
  const start = since?.toISOString() ?? '';
  const recent = parseLines(lines).filter(({ ts }) => ts === '' || ts >= start);
  const grave = recent.filter(({ level, line, isJson }) =>
    isJson ? gravely.has(level) : /^(panic|fatal error): /.test(line),
  );
  const chosen = grave.length > 0 ? grave : recent;
  return chosen.slice(-count).map(({ line }) => formatLogLine(line));
}

/** At the end of a sentence where there is one: half a piece of advice is worse than none. */
function cut(text: string): string {
  if (text.length <= maxLength) return text;
  const kept = text.slice(0, maxLength - 2);
  const end = kept.lastIndexOf('. ');
  return end > maxLength / 3 ? `${kept.slice(0, end + 1)} …` : `${kept} …`;
}
