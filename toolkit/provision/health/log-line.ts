/** etcd's JSON log lines, shortened for people. */

const maxLength = 240;
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

function cut(text: string): string {
  return text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text;
}
