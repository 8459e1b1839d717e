/** `etcdctl check` (contract: cli §6). */
import type { Command, Invocation } from '../../cli/command.ts';
import { ExitCode, ExitError } from '../../cli/exit-error.ts';
import { type FlagDefinition, flag } from '../../cli/flag-set.ts';
import { ProgressLine, progressBar } from '../../cli/progress-line.ts';
import type { EtcdClient } from '../../client/calls.ts';
import { type LoadPlan, type LoadResult, runLoad } from '../check/load.ts';
import { errorLines, perfVerdict } from '../check/perf-verdict.ts';
import { residentMemoryBytes } from '../check/resident-memory.ts';
import { prefixEnd } from '../key-range.ts';
import { openSession, type Session, withClient } from '../session.ts';
import { withStopSignal } from '../stop-signal.ts';

/** Upstream's workloads: puts per second for `perf`, puts in all for `datascale`. */
const workloads = {
  s: { putsPerSecond: 150, puts: 10_000, clients: 50 },
  m: { putsPerSecond: 1000, puts: 100_000, clients: 200 },
  l: { putsPerSecond: 8000, puts: 1_000_000, clients: 500 },
  xl: { putsPerSecond: 15_000, puts: 3_000_000, clients: 1000 },
} as const;
const workloadNames: Record<string, keyof typeof workloads> = {
  ...{ s: 's', small: 's', m: 'm', medium: 'm', l: 'l', large: 'l', xl: 'xl', xLarge: 'xl' },
};

const perfDurationMs = 60_000;
/** Deleting what a check has left must not be kept from ending by a slow cluster, nor wait for ever. */
const cleanUpTimeoutMs = 60_000;

const flags = (prefix: string): FlagDefinition[] => [
  flag.string('load', 's', 'workload: s(mall), m(edium), l(arge) or xl(arge)'),
  flag.string('prefix', prefix, 'where the keys of the check are put'),
  flag.bool('auto-compact', false, 'compact what the check has left'),
  flag.bool('auto-defrag', false, 'defragment the endpoints after the check'),
];

export const checkCommand: Command = {
  name: 'check',
  argumentsUsage: '<subcommand>',
  short: 'Checks what a cluster can do',
  commands: [
    {
      name: 'perf',
      argumentsUsage: '[options]',
      short: 'Writes for a minute and judges rate and latency',
      flags: flags('/etcdctl-check-perf/'),
      run: runPerf,
    },
    {
      name: 'datascale',
      argumentsUsage: '[options]',
      short: 'Writes many keys and tells how much memory the first endpoint takes for them',
      flags: flags('/etcdctl-check-datascale/'),
      run: runDatascale,
    },
  ],
};

async function runPerf(invocation: Invocation): Promise<number> {
  const { putsPerSecond, clients } = workload(invocation);
  const session = await openSession(invocation);
  const sizes = { keyBytes: 256, valueBytes: 1024 };
  const plan = { ...sizes, clients, putsPerSecond, maxPuts: Number.POSITIVE_INFINITY, durationMs: perfDurationMs };
  const startedMs = performance.now();
  const fraction = (): number => (performance.now() - startedMs) / perfDurationMs;
  const quote = (command: string): string => `'${command}'`;
  const result = await runOnEmptyPrefix(invocation, session, plan, fraction, { quote });
  const { passed, lines } = perfVerdict(result, putsPerSecond);
  invocation.io.stdout.write(`${lines.join('\n')}\n`);
  return passed ? ExitCode.Success : ExitCode.Error;
}

async function runDatascale(invocation: Invocation): Promise<number> {
  const { io } = invocation;
  const { puts, clients } = workload(invocation);
  const session = await openSession(invocation);
  const { endpoints, tls } = session.settings;
  const memory = async (when: string): Promise<number> => {
    const bytes = await residentMemoryBytes(endpoints[0] as string, tls);
    if (bytes !== undefined) return bytes;
    io.stdout.write(`FAIL: Could not read process_resident_memory_bytes ${when} the put operations.\n`);
    throw new ExitError(ExitCode.Error, '');
  };
  const sizes = { keyBytes: 512, valueBytes: 512 };
  const plan = { ...sizes, clients, maxPuts: puts, durationMs: Number.POSITIVE_INFINITY, putsPerSecond: 1e9 };
  let before = 0;
  let after = 0;
  const result = await runOnEmptyPrefix(invocation, session, plan, (done) => done / puts, {
    before: async () => {
      before = await memory('before');
      const scale = `${puts} key-value pairs, 1024 bytes per key-value, ${clients} concurrent clients`;
      io.stdout.write(`Start data scale check for work load [${scale}].\n`);
    },
    after: async () => {
      after = await memory('after');
    },
  });
  const failures = errorLines(result.errors);
  const usedMib = ((after - before) / 1024 ** 2).toFixed(2);
  const lines = failures.length > 0 ? failures : [`PASS: Approximate system memory used : ${usedMib} MB.`];
  io.stdout.write(`${lines.join('\n')}\n`);
  return failures.length > 0 ? ExitCode.Error : ExitCode.Success;
}

function workload({ flags: given }: Invocation): (typeof workloads)[keyof typeof workloads] {
  const name = workloadNames[given.string('load')];
  if (name === undefined) throw new ExitError(ExitCode.BadFeature, `unknown load option ${given.string('load')}`);
  return workloads[name];
}

interface Steps {
  readonly before?: () => Promise<void>;
  /** While the keys are still there. */
  readonly after?: () => Promise<void>;
  /** Upstream's checks do not write commands in the same way. */
  readonly quote?: (command: string) => string;
}

/**
 * Runs a load where there is nothing yet, and deletes it afterwards, also when it is interrupted.
 *
 * @param fraction done, of the number of puts that have ended
 * @throws ExitError (3) when there are keys already, (1) when it was interrupted
 */
async function runOnEmptyPrefix(
  invocation: Invocation,
  { settings }: Session,
  plan: Omit<LoadPlan, 'prefix'>,
  fraction: (puts: number) => number,
  { before = async () => {}, after = async () => {}, quote = (text) => text }: Steps,
): Promise<LoadResult> {
  const { flags: given, io } = invocation;
  const prefix = given.string('prefix');
  const progress = new ProgressLine(io);
  return withStopSignal((stop) =>
    withClient(invocation, settings, async (client) => {
      const range = { key: Buffer.from(prefix), range_end: prefixEnd(Buffer.from(prefix)) };
      if ((await client.range({ ...range, limit: 1, keys_only: true })).kvs.length > 0) {
        const text = `prefix "${prefix}" has keys. Delete with ${quote(`etcdctl del --prefix ${prefix}`)} first`;
        throw new ExitError(ExitCode.InvalidInput, text);
      }
      await before();
      try {
        const onProgress = (puts: number): void => progress.show(() => `${progressBar(fraction(puts))} ${puts} puts`);
        const result = await runLoad(settings, { ...plan, prefix }, { onProgress, stop });
        if (stop.aborted) throw new ExitError(ExitCode.Error, 'interrupted; what was written is deleted');
        await after();
        return result;
      } finally {
        progress.clear();
        const { header } = await client.deleteRange(range, { timeoutMs: cleanUpTimeoutMs });
        await tidyUp(invocation, client, header?.revision ?? 0);
      }
    }),
  );
}

async function tidyUp({ flags: given, io }: Invocation, client: EtcdClient, revision: number): Promise<void> {
  const timeoutMs = cleanUpTimeoutMs;
  if (given.bool('auto-compact')) {
    io.stdout.write(`Compacting with revision ${revision}\n`);
    await client.compact({ revision, physical: true }, { timeoutMs });
    io.stdout.write(`Compacted with revision ${revision}\n`);
  }
  if (!given.bool('auto-defrag')) return;
  for (const endpoint of client.endpoints) {
    io.stdout.write(`Defragmenting "${endpoint}"\n`);
    await client.defragment({}, { endpoint, timeoutMs });
    io.stdout.write(`Defragmented "${endpoint}"\n`);
  }
}
