/** Numbers and times as people read them. */

const dayMs = 86_400_000;
const hourMs = 3_600_000;

/** @param {number | undefined} value @param {string} language */
export function formatCount(value, language) {
  return value === undefined ? '–' : new Intl.NumberFormat(language).format(value);
}

/** @param {number | undefined} value per second */
export function formatRate(value, language) {
  const digits = value !== undefined && value < 10 ? 1 : 0;
  return value === undefined ? '–' : new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
}

/** Units of 1000, as etcdctl has them. */
export function formatSize(bytes, language) {
  if (bytes === undefined) return '–';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const unit = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** unit;
  const digits = value < 10 && unit > 0 ? 1 : 0;
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value)} ${units[unit]}`;
}

export function formatSeconds(seconds, language) {
  if (seconds === undefined) return '–';
  const number = new Intl.NumberFormat(language, { maximumSignificantDigits: 2 });
  return seconds < 1 ? `${number.format(seconds * 1000)} ms` : `${number.format(seconds)} s`;
}

/** How long something takes: `4:07`, `1:02:09`. */
export function formatDuration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] > 0 ? parts : parts.slice(1);
  return shown.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, '0'))).join(':');
}

/** @param words of the language @returns how long a certificate is still good */
export function formatLeft(ms, words) {
  if (ms === undefined) return words.none;
  if (ms <= 0) return words.expired;
  if (ms < hourMs) return words.minutes(Math.floor(ms / 60_000));
  return ms < 2 * dayMs ? words.hours(Math.floor(ms / hourMs)) : words.days(Math.floor(ms / dayMs));
}

export function formatClock(atMs, language) {
  return new Date(atMs).toLocaleTimeString(language, { timeStyle: 'medium', hourCycle: 'h23' });
}

/** Points of a curve in a box of 180 by 40, the newest at the right. */
export function curvePoints(values, maxPoints = 90) {
  const most = Math.max(1, ...values);
  const step = 180 / (maxPoints - 1);
  const first = 180 - (values.length - 1) * step;
  return values
    .map((value, i) => `${(first + i * step).toFixed(1)},${(38 - (value / most) * 36).toFixed(1)}`)
    .join(' ');
}
