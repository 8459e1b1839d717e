/**
 * Our engine, tools and lab side by side with upstream's, in one run: `npm run bench -- [ROW...]`, see `usage`.
 *
 * Both engines take turns, round by round, on the same machine; what counts is the ratio within one run. Absolute
 * figures depend on the machine, and on what else it does.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { ensureBuilt } from '../scripts/build.ts';
import { haveUpstream, upstreamExecutables } from '../test/support/upstream.ts';
import { requireH2load } from './load/h2load.ts';
import { Measurement } from './measure.ts';
import { drawReport } from './report/plot.ts';
import type { Report } from './report/statistics.ts';
import { formatReport } from './report/table.ts';
import { type Engine, fullScale, quickScale } from './row.ts';
import { allRows, chooseRows } from './rows/mod.ts';

const usage = `usage: npm run bench -- [ROW...] [--rounds N] [--quick] [--tls] [--json FILE] [--svg FILE]

  ROW        rows, or what their names begin with; without any, all but the large ones
  --rounds   how often each engine is measured, 1 to 100; default 5
  --quick    only whether every row runs, large ones too: one round of little, nothing to be read from its figures
  --tls      TLS to clients, and among members with certificates on both sides
  --list     print the rows
`;
const maxRounds = 100;

function parseCommandLine() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '5' },
      quick: { type: 'boolean', default: false },
      tls: { type: 'boolean', default: false },
      json: { type: 'string' },
      svg: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const rounds = values.quick ? 1 : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > maxRounds)
    throw new Error(`--rounds takes 1 to ${maxRounds}`);
  return { ...values, rounds, rows: chooseRows(positionals, values.quick) };
}

async function prepareEngines(): Promise<Engine[]> {
  if (process.platform !== 'linux') throw new Error('memory and processor time are read from /proc: this needs Linux');
  if (!haveUpstream()) throw new Error('ETCDLAB_UPSTREAM must name the folder of upstream’s etcd, etcdctl and etcdutl');
  return [
    { name: 'built-in', executables: await ensureBuilt() },
    { name: 'upstream', executables: upstreamExecutables() },
  ];
}

function describeMachine(engines: readonly Engine[], h2load: string): Record<string, string> {
  const cpus = os.cpus();
  const versionOf = (program: string): string => execFileSync(program, ['--version'], { encoding: 'utf8' });
  const upstream = versionOf(engines[1]?.executables.etcd ?? '').split('\n', 1)[0] ?? '';
  return {
    processors: `${cpus.length} × ${cpus[0]?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(os.totalmem() / 2 ** 30)} GiB`,
    system: `${os.type()} ${os.release()}`,
    'Node.js': process.version,
    upstream: upstream.replace('etcd Version: ', 'etcd '),
    generator: h2load,
  };
}

/** @returns the exit code: 0 when every row was measured on both engines, 128 and more after a signal, with what there was until then */
async function main(): Promise<number> {
  const { rows, rounds, quick, tls, json, svg, list, help } = parseCommandLine();
  if (help) {
    process.stdout.write(usage);
    return 0;
  }
  if (list) {
    for (const { name, title, isLarge } of allRows)
      console.log(`${name.padEnd(20)} ${title}${isLarge ? ' (large)' : ''}`);
    return 0;
  }
  const h2load = await requireH2load();
  const engines = await prepareEngines();
  const stopping = new AbortController();
  const stop = (signal: NodeJS.Signals): void => stopping.abort(signal);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  const measurement = new Measurement({
    ...{ rows, engines, rounds, isTls: tls, scale: quick ? quickScale : fullScale, signal: stopping.signal },
    onProgress: (text) => console.error(text),
  });
  const taken = new Date().toISOString().slice(0, 16);
  await measurement.run();
  const report: Report = {
    ...{ taken, rounds, isTls: tls, isQuick: quick, machine: describeMachine(engines, h2load) },
    ...{ figures: measurement.results(), failures: measurement.failures, retries: measurement.retries },
  };
  console.log(formatReport(report));
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, undefined, 2)}\n`);
  if (svg !== undefined) writeFileSync(svg, drawReport(report));
  if (stopping.signal.aborted) return 128 + os.constants.signals[stopping.signal.reason as NodeJS.Signals];
  return measurement.failures.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
