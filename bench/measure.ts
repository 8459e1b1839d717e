/** Runs rows on both engines in turn, round by round, and collects what they measure. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { BenchCluster } from './cluster.ts';
import { startNullTarget } from './engines/null-target.ts';
import type { Target } from './engines/target.ts';
import type { FigureResult, RowFailure } from './report/statistics.ts';
import type { Engine, LoadRow, Measured, Row, Scale } from './row.ts';
import { warmUp } from './rows/mixed.ts';

export interface MeasureOptions {
  readonly rows: readonly Row[];
  readonly engines: readonly Engine[];
  readonly rounds: number;
  readonly scale: Scale;
  readonly isTls: boolean;
  /** Ends the measurement: nothing new is begun, and `run` returns when all that was started is gone. */
  readonly signal: AbortSignal;
  /** Told what has been done. */
  readonly onProgress: (text: string) => void;
}

/** A cluster that was just started works so many times longer than before a row. */
const warmUpTimes = 5;

interface Closable {
  close(): Promise<void>;
}

export class Measurement {
  private readonly options: MeasureOptions;
  private readonly open = new Set<Closable>();
  private readonly measured = new Map<string, Measured[]>();
  readonly failures: RowFailure[] = [];
  /** What worked only at its second try, and why not at the first. */
  readonly retries: RowFailure[] = [];

  constructor(options: MeasureOptions) {
    this.options = options;
  }

  /** Measures everything, and ends whatever it has started. What fails is in `failures`, and left out of later rounds. */
  async run(): Promise<void> {
    const { signal } = this.options;
    // Whoever waits for a cluster fails with it.
    const stop = (): void => void this.close();
    signal.addEventListener('abort', stop);
    try {
      await this.measureAll();
    } finally {
      signal.removeEventListener('abort', stop);
      await this.close();
    }
  }

  private async measureAll(): Promise<void> {
    const { rows, rounds } = this.options;
    const loads = rows.filter((row) => row.on === 'shared cluster');
    await this.measureCeilings(loads.filter(({ hasCeiling }) => hasCeiling));
    for (let round = 1; round <= rounds; round++) {
      const due = (row: Row): boolean => round <= (row.maxRounds ?? rounds);
      await this.measureLoads(loads.filter(due), round);
      for (const row of rows.filter((each) => due(each) && each.on !== 'shared cluster')) {
        for (const engine of this.enginesOf(round)) await this.measureAlone(row, engine, round);
      }
    }
  }

  /** In even rounds the other way round, so that neither always has the machine as the other has left it. */
  private enginesOf(round: number): readonly Engine[] {
    const { engines } = this.options;
    return round % 2 === 0 ? engines.toReversed() : engines;
  }

  /** A result for each figure of each row, in their order. */
  results(): FigureResult[] {
    return this.options.rows.flatMap((row) =>
      Object.entries(row.figures(this.options.scale)).map(([name, figure]) => {
        const valuesOf = (engine: string): number[] =>
          this.valuesOf(row, engine).map((measured) => measured[name] ?? Number.NaN);
        const fullTitle = `${row.title}: ${figure.title}`;
        const [ours, upstream, [ceiling]] = [valuesOf('built-in'), valuesOf('upstream'), valuesOf('null server')];
        return { ...figure, row: row.name, figure: name, fullTitle, ours, upstream, ceiling };
      }),
    );
  }

  private async close(): Promise<void> {
    await Promise.all([...this.open].map((each) => this.shut(each)));
  }

  private async measureCeilings(rows: readonly LoadRow[]): Promise<void> {
    if (rows.length === 0) return;
    const target = await this.keep(startNullTarget(this.options.isTls));
    for (const row of rows) await this.measureLoad(row, target, 'null server', 'ceiling');
    await this.shut(target);
  }

  /** Both clusters run all the time; the one that is not measured only sends heartbeats. */
  private async measureLoads(rows: readonly LoadRow[], round: number): Promise<void> {
    if (rows.length === 0) return;
    const clusters = new Map<Engine, BenchCluster>();
    for (const engine of this.enginesOf(round)) {
      try {
        clusters.set(engine, await this.startCluster(engine, `round ${round}`));
      } catch (error) {
        for (const row of rows) this.note(row, engine.name, error);
      }
    }
    for (const row of rows) {
      for (const [engine, cluster] of clusters) {
        await this.measureLoad(row, cluster, engine.name, `round ${round}`, () => cluster.findLeader());
      }
    }
    for (const cluster of clusters.values()) await this.shut(cluster);
  }

  private async measureLoad(
    row: LoadRow,
    target: Target,
    engine: string,
    when: string,
    before?: () => Promise<void>,
  ): Promise<void> {
    await this.attempt(row, engine, when, async (scratch) => {
      await before?.();
      return await row.measure(target, { ...this.options, scratch });
    });
  }

  private async measureAlone(row: Row, engine: Engine, round: number): Promise<void> {
    await this.attempt(row, engine.name, `round ${round}`, async (scratch) => {
      const surroundings = { ...this.options, scratch };
      if (row.on === 'programs') return await row.measure(engine, surroundings);
      if (row.on === 'shared cluster') throw new Error(`${row.name} is not measured alone`);
      const cluster = await this.startCluster(engine, `round ${round}, for ${row.name}`);
      try {
        return await row.measure(cluster, engine.executables, surroundings);
      } finally {
        await this.shut(cluster);
      }
    });
  }

  private async startCluster({ name, executables }: Engine, when: string): Promise<BenchCluster> {
    const { isTls, scale, signal } = this.options;
    signal.throwIfAborted();
    const starting = this.tryTwice({ row: 'the start of a cluster', engine: name, when }, () =>
      BenchCluster.start(executables, isTls),
    );
    const cluster = await this.keep(starting);
    await warmUp(cluster, warmUpTimes * scale.warmUpMs);
    return cluster;
  }

  /** A member of a busy machine may lose the lead, and calls fail with it. What needs its second try is in `retries`. */
  private async tryTwice<T>(
    { row, engine, when }: { readonly row: string; readonly engine: string; readonly when: string },
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.options.signal.throwIfAborted();
      const reason = `${when}: ${(error as Error).message}`;
      this.options.onProgress(`${row}, ${engine}: tried again after ${reason}`);
      const result = await work();
      this.retries.push({ row, engine, reason });
      return result;
    }
  }

  /** One measurement, tried twice. */
  private async attempt(
    row: Row,
    engine: string,
    when: string,
    measure: (scratch: string) => Promise<Measured>,
  ): Promise<void> {
    if (this.options.signal.aborted) return;
    if (this.failures.some((failure) => failure.row === row.name && failure.engine === engine)) return;
    const startMs = performance.now();
    try {
      const measured = await this.tryTwice({ row: row.name, engine, when }, () => this.measureOnce(row, measure));
      this.valuesOf(row, engine).push(measured);
      const seconds = (performance.now() - startMs) / 1000;
      this.options.onProgress(`${when}, ${row.name}, ${engine}: ${seconds.toFixed(1)} s`);
    } catch (error) {
      this.note(row, engine, error);
    }
  }

  /** In a folder of its own. @throws Error when a figure of the row is no number */
  private async measureOnce(row: Row, measure: (scratch: string) => Promise<Measured>): Promise<Measured> {
    const scratch = await mkdtemp(path.join(os.tmpdir(), 'etcdlab-bench-'));
    try {
      const measured = await measure(scratch);
      const wrong = Object.keys(row.figures(this.options.scale)).filter((name) => !Number.isFinite(measured[name]));
      if (wrong.length > 0) throw new Error(`no number for ${wrong.join(', ')}`);
      return measured;
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }

  private note(row: Row, engine: string, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.failures.push({ row: row.name, engine, reason });
    this.options.onProgress(`${row.name} cannot be measured on ${engine}: ${reason}`);
  }

  private valuesOf(row: Row, engine: string): Measured[] {
    const id = `${row.name} ${engine}`;
    const values = this.measured.get(id) ?? [];
    this.measured.set(id, values);
    return values;
  }

  private async keep<T extends Closable>(starting: Promise<T>): Promise<T> {
    const started = await starting;
    this.open.add(started);
    return started;
  }

  private async shut(each: Closable): Promise<void> {
    this.open.delete(each);
    await each.close();
  }
}
