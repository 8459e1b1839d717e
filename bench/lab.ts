/**
 * How long the lab takes: bringing it up, a whole restore drill, and certificates; on our engine and, if
 * ETCDLAB_UPSTREAM names its binaries, on upstream's, round by round in turn. Run by `npm run bench`.
 *
 * Absolute times depend on the machine; what counts is the ratio within one run.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { stringify } from 'yaml';
import { createAuthority, issue, systemSources } from '../pki/mod.ts';
import { ensureBuilt } from '../scripts/build.ts';
import { freePorts } from '../test/support/test-cluster.ts';

const run = promisify(execFile);
const toolkit = path.resolve(import.meta.dirname, '../toolkit/main.ts');

interface Round {
  /** From the command to three healthy members, certificates made, executable built before. */
  upMs: number;
  /** The whole drill with 1,000 keys, proof included. */
  drillMs: number;
  /** As the drill reports it: from the disaster until all members are healthy. */
  rtoMs: number;
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) throw new Error('--rounds takes 1 to 100');

await ensureBuilt();
const upstream = process.env.ETCDLAB_UPSTREAM;
const engines = new Map<string, object | string>([['built-in', 'built-in']]);
if (upstream !== undefined) engines.set('upstream', { kind: 'upstream', path: path.resolve(upstream) });
const results = new Map<string, Round[]>([...engines.keys()].map((name) => [name, []]));
for (let i = 0; i < rounds; i++) {
  for (const [name, engine] of engines) {
    results.get(name)?.push(await measure(engine));
    console.error(`round ${i + 1} of ${rounds}: ${name}`);
  }
}

const rows: [string, keyof Round][] = [
  ['etcdlab up, to three healthy members', 'upMs'],
  ['restore drill, 1,000 keys', 'drillMs'],
  ['of which disaster to healthy', 'rtoMs'],
];
console.log(['', ...engines.keys(), ...(engines.size > 1 ? ['ratio'] : [])].join('\t'));
for (const [title, field] of rows) {
  const medians = [...engines.keys()].map((name) => median((results.get(name) as Round[]).map((each) => each[field])));
  const ratio = medians.length > 1 ? [((medians[0] as number) / (medians[1] as number)).toFixed(2)] : [];
  console.log([title, ...medians.map((ms) => `${(ms / 1000).toFixed(2)} s`), ...ratio].join('\t'));
}
console.log(`12 certificates\t${median(Array.from({ length: rounds }, twelveCertificatesMs)).toFixed(0)} ms`);

async function measure(engine: object | string): Promise<Round> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'etcdlab-bench-'));
  const command = async (...args: string[]): Promise<{ ms: number; stdout: string }> => {
    const startMs = performance.now();
    const { stdout } = await run(process.execPath, [toolkit, ...args], { cwd: directory, maxBuffer: 64 * 1024 * 1024 });
    return { ms: performance.now() - startMs, stdout };
  };
  try {
    const ports = await freePorts(6);
    const nodes = [0, 1, 2].map((i) => ({
      name: `node${i + 1}`,
      clientPort: ports[2 * i],
      peerPort: ports[2 * i + 1],
    }));
    await writeFile(path.join(directory, 'lab.yaml'), stringify({ name: 'bench', engine, nodes }));
    const up = await command('up', '--json');
    const drill = await command('drill', 'run', 'restore', '--yes', '--json');
    const rtoMs = rtoOf(drill.stdout);
    return { upMs: up.ms, drillMs: drill.ms, rtoMs };
  } finally {
    await command('destroy', '--yes').catch(() => undefined);
    await rm(directory, { recursive: true, force: true });
  }
}

/** From the JSON events: the end of the step that starts the members, counted from the start of the disaster. */
function rtoOf(stdout: string): number {
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { time: string; event: string; step?: number; phase?: string });
  const disaster = events.find((each) => each.event === 'step-started' && each.phase === 'disaster');
  const proof = events.find((each) => each.event === 'step-started' && each.phase === 'verify');
  return Date.parse(proof?.time ?? '') - Date.parse(disaster?.time ?? '');
}

/** Two authorities and ten certificates, as a lab of three members with a few clients needs them. */
function twelveCertificatesMs(): number {
  const startMs = performance.now();
  const validityMs = 86_400_000;
  for (const commonName of ['clients', 'peers']) {
    const authority = createAuthority({ commonName, validityMs }, systemSources);
    for (let i = 0; i < 5; i++) {
      const request = { profile: 'peer' as const, commonName: `node${i}`, ipAddresses: ['127.0.0.1'], validityMs };
      issue(authority, request, systemSources);
    }
  }
  return performance.now() - startMs;
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}
