/** What the measured growth says about sizes that nobody has measured: straight lines, drawn on. */
import { type FigureResult, spreadOf } from './statistics.ts';

export interface Line {
  readonly atNone: number;
  readonly forEach: number;
}

/** What is expected of both engines. */
export interface Projection {
  readonly title: string;
  readonly unit: string;
  readonly ours: number;
  readonly upstream: number;
}

type EngineName = 'ours' | 'upstream';

/**
 * The straight line that comes nearest to the points (least squares).
 *
 * @throws RangeError for less than two different sizes: there is no line through one
 */
export function fitLine(points: readonly (readonly [size: number, value: number])[]): Line {
  const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanSize = meanOf(points.map(([size]) => size));
  const meanValue = meanOf(points.map(([, value]) => value));
  const spread = points.reduce((sum, [size]) => sum + (size - meanSize) ** 2, 0);
  if (!(spread > 0)) throw new RangeError('a line needs two sizes');
  const slope = points.reduce((sum, [size, value]) => sum + (size - meanSize) * (value - meanValue), 0) / spread;
  return { atNone: meanValue - slope * meanSize, forEach: slope };
}

const databaseMegabytes = 8000;
const manyWatchers = 100_000;
const hourSeconds = 3600;

/** @returns what can be said, which is nothing where growth was not measured */
export function project(results: readonly FigureResult[]): Projection[] {
  const lineOf = (of: string, engine: EngineName): Line | undefined => {
    const points = results
      .filter((result) => result.growth?.of === of && result.ours.length > 0 && result.upstream.length > 0)
      .map((result) => [result.growth?.at ?? 0, spreadOf(result[engine]).median] as const);
    return new Set(points.map(([size]) => size)).size < 2 ? undefined : fitLine(points);
  };
  const of = (title: string, unit: string, compute: (engine: EngineName) => number | undefined): Projection[] => {
    const [ours, upstream] = [compute('ours'), compute('upstream')];
    return ours === undefined || upstream === undefined ? [] : [{ title, unit, ours, upstream }];
  };
  const keysOf = (engine: EngineName): number | undefined => {
    const database = lineOf('database', engine);
    return database && (databaseMegabytes - database.atNone) / database.forEach;
  };
  const atFullDatabase = (what: string) => (engine: EngineName) => {
    const [line, keys] = [lineOf(what, engine), keysOf(engine)];
    return line && keys && line.atNone + line.forEach * keys;
  };
  const eventAtAll = (engine: EngineName): number | undefined => {
    const latency = lineOf('p99 from put to event', engine);
    return latency && latency.atNone + latency.forEach * manyWatchers;
  };
  const labsInHour = (engine: EngineName): number | undefined => {
    const labs = lineOf('up and drill', engine);
    return labs && hourSeconds / labs.forEach;
  };
  return [
    ...of('database of 8 GB: keys of 256 bytes', '', keysOf),
    ...of('database of 8 GB: memory of a member', 'MB', atFullDatabase('memory of the largest member')),
    ...of('database of 8 GB: memory after a restart', 'MB', atFullDatabase('memory of a member after its restart')),
    ...of('database of 8 GB: restart', 's', atFullDatabase('restart of a member')),
    ...of('100,000 watches of one key: p99 from put to event', 'ms', eventAtAll),
    ...of('labs brought up, drilled and proved on this machine in an hour', '', labsInHour),
  ];
}
