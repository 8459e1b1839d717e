/** h2load (nghttp2) as load generator: the same request again and again, on many connections and streams. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { framed } from './message-reader.ts';
import { type LoadResult, Samples } from './percentiles.ts';

const run = promisify(execFile);

export interface H2loadOptions {
  /** Where to. */
  readonly url: string;
  /** Path of the method, such as `/etcdserverpb.KV/Put`. */
  readonly path: string;
  readonly message: Uint8Array;
  readonly connections: number;
  /** Calls under way on each connection. */
  readonly streams: number;
  /** How long, or how many calls instead. */
  readonly amount: { readonly durationMs: number } | { readonly calls: number };
  /** Size of a right answer with its prefix of gRPC. h2load does not see the status of a call: failed ones bring less. */
  readonly answerBytes: number;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** A folder for its files. */
  readonly scratch: string;
}

/** h2load may hang instead of ending. */
const patienceMs = 30_000;
/** Where the time is over before the first answer. */
const noAnswer = ' 0 succeeded, 0 failed, 0 errored, 0 timeout';

/** @throws Error with what to install, when there is no h2load */
export async function requireH2load(): Promise<string> {
  try {
    return (await run('h2load', ['--version'])).stdout.trim();
  } catch {
    throw new Error('h2load is missing: install nghttp2-client (Debian, Ubuntu) or nghttp2 (Fedora, Homebrew)');
  }
}

/**
 * Runs h2load for a while; if nothing is answered in that time, until two answers have come for each call outstanding.
 *
 * @throws Error when requests failed, or answers are smaller than right ones are
 */
export async function runH2load(options: H2loadOptions): Promise<LoadResult> {
  const { url, amount, connections, streams, scratch, signal } = options;
  const durationMs = 'durationMs' in amount ? amount.durationMs : 0;
  const data = path.join(scratch, 'request');
  const log = path.join(scratch, 'h2load.log');
  await writeFile(data, framed(options.message));
  await writeFile(log, '');
  const { stdout } = await run(
    'h2load',
    [
      ...('calls' in amount ? ['-n', String(amount.calls)] : ['-D', `${durationMs}ms`]),
      ...['-c', String(connections), '-m', String(streams), '-d', data, '--log-file', log],
      ...['-H', 'content-type: application/grpc', '-H', 'te: trailers', '-H', `answer-bytes: ${options.answerBytes}`],
      new URL(options.path, url).href,
    ],
    { signal, timeout: durationMs + patienceMs, maxBuffer: 64 * 1024 * 1024 },
  );
  if ('durationMs' in amount && stdout.includes(noAnswer)) {
    return await runH2load({ ...options, amount: { calls: 2 * connections * streams } });
  }
  const latencies = latenciesIn(await readFile(log, 'latin1'));
  const perSecond = checkedRate(stdout, options.answerBytes);
  const [p50Ms, p99Ms] = latencies.percentiles(0.5, 0.99) as [number, number];
  return { perSecond, p50Ms, p99Ms, count: latencies.count };
}

/**
 * The rate that h2load has found.
 *
 * @param summary what it prints
 * @throws Error when the summary does not read as expected, requests failed, or answers are too small
 */
export function checkedRate(summary: string, answerBytes: number): number {
  const rate = /^finished in [^,]+, ([\d.]+) req\/s/m.exec(summary)?.[1];
  const requests = /(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/.exec(summary);
  const data = /\((\d+)\) data$/m.exec(summary)?.[1];
  if (rate === undefined || requests === null || data === undefined) {
    throw new Error(`h2load says what this program does not understand:\n${summary}`);
  }
  const [succeeded, ...others] = requests.slice(1).map(Number) as [number, ...number[]];
  if (succeeded === 0 || others.some((count) => count > 0)) throw new Error(`h2load: ${requests[0]}`);
  // A revision may take a byte more or less than in the answer that was looked at.
  if (Number(data) < 0.9 * succeeded * answerBytes) {
    const wanted = `of ${answerBytes} bytes each`;
    throw new Error(`calls have failed: ${succeeded} answers bring ${data} bytes in all, right ones are ${wanted}`);
  }
  return Number(rate);
}

/** @param log tab-separated: start in µs, status, µs until the end of the response */
function latenciesIn(log: string): Samples {
  const latencies = new Samples();
  for (let start = 0; start < log.length; ) {
    const end = log.indexOf('\n', start);
    const micros = log.lastIndexOf('\t', end);
    latencies.add(Number(log.slice(micros + 1, end)) / 1000);
    start = end + 1;
  }
  return latencies;
}
