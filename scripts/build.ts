/**
 * Builds `dist/etcd`, one executable that is etcd, etcdctl or etcdutl by the name it is called by, with links beside
 * it. esbuild bundles the server, `node --build-sea` puts the bundle into a copy of the Node.js binary.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { BuildOptions } from 'esbuild';

/** Absolute paths of the three programs. */
export interface Executables {
  etcd: string;
  etcdctl: string;
  etcdutl: string;
}

const root = path.resolve(import.meta.dirname, '..');
const dist = path.join(root, 'dist');

/** What executables can be made for, besides this machine. */
export const targets = ['linux-x64', 'linux-arm64'] as const;
export type Target = (typeof targets)[number];

/**
 * Builds the executables unless they are newer than every source, or bundle to the same bytes as last time.
 *
 * @param name one of `targets`; undefined for this machine. Those of another machine are in a folder of that name
 * @returns where they are
 * @throws Error when the bundle or the executable cannot be made; what was there before stays
 */
export async function ensureBuilt(name?: string): Promise<Executables> {
  const target = name === undefined ? undefined : targets.find((known) => known === name);
  if (name !== undefined && target === undefined) {
    throw new Error(`there is no target '${name}', only ${targets.join(' and ')}`);
  }
  const isForeign = target !== undefined && target !== `${process.platform}-${process.arch}`;
  const folder = isForeign ? path.join(dist, target) : dist;
  const executables = {
    etcd: path.join(folder, 'etcd'),
    etcdctl: path.join(folder, 'etcdctl'),
    etcdutl: path.join(folder, 'etcdutl'),
  };
  const stamp = path.join(folder, '.bundle-digest');
  if (
    Object.values(executables).every(existsSync) &&
    existsSync(stamp) &&
    newestSourceMs() <= statSync(stamp).mtimeMs
  ) {
    return executables;
  }

  // Built in a folder of its own and moved into place, so that an interrupted build leaves nothing half made.
  const work = path.join(folder, `.build-${process.pid}`);
  mkdirSync(work, { recursive: true });
  try {
    const bundles = await bundleServer(work);
    const digest = createHash('sha256')
      .update(process.version)
      .update(readFileSync(bundles.main))
      .update(readFileSync(bundles.worker))
      .digest('hex');
    if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== digest || !Object.values(executables).every(existsSync)) {
      const node = isForeign ? await import('./foreign-node.ts').then((it) => it.foreignNode(target)) : undefined;
      renameSync(await makeExecutable(work, bundles, node), executables.etcd);
      for (const link of [executables.etcdctl, executables.etcdutl]) {
        rmSync(link, { force: true });
        symlinkSync('etcd', link);
      }
      writeFileSync(stamp, digest);
    }
    const now = new Date();
    utimesSync(stamp, now, now);
    return executables;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

interface Bundles {
  /** The one file that is the server and its tools. */
  readonly main: string;
  /** A thread cannot be started from within the executable's main program: its program is an asset. */
  readonly worker: string;
}

async function bundleServer(work: string): Promise<Bundles> {
  // Loaded only to build: `etcdlab up` asks each time whether there is something to do.
  const { build } = await import('esbuild');
  const bundles = { main: path.join(work, 'main.cjs'), worker: path.join(work, 'bcrypt-worker.cjs') };
  const settings: BuildOptions = {
    bundle: true,
    platform: 'node',
    target: 'node26',
    format: 'cjs',
    minifySyntax: true,
    keepNames: true,
    legalComments: 'none',
    logLevel: 'warning',
    // What is found beside a source file is only looked for when there are source files.
    logOverride: { 'empty-import-meta': 'silent' },
  };
  await build({ ...settings, entryPoints: [path.join(root, 'server/main.ts')], outfile: bundles.main });
  await build({ ...settings, entryPoints: [path.join(root, 'server/auth/bcrypt-worker.ts')], outfile: bundles.worker });
  return bundles;
}

/** @param node the Node.js to put the bundles into; undefined: the one that runs @returns the executable */
async function makeExecutable(work: string, { main, worker }: Bundles, node: string | undefined): Promise<string> {
  const { $ } = await import('zx');
  const config = path.join(work, 'sea.json');
  const output = path.join(work, 'etcd');
  const sea = {
    main,
    output,
    assets: { 'bcrypt-worker.cjs': worker },
    ...(node !== undefined && { executable: node }),
    disableExperimentalSEAWarning: true,
    // The cache holds machine code of the processor that made it.
    useCodeCache: node === undefined,
    // Requests are short-lived objects by the thousand: in a larger nursery most are gone before it is looked through.
    execArgv: ['--max-semi-space-size=64'],
    execArgvExtension: 'none',
  };
  writeFileSync(config, JSON.stringify(sea));
  await $({ cwd: work, quiet: true })`${process.execPath} --build-sea ${config}`;
  return output;
}

function newestSourceMs(): number {
  const sources = globSync(['server/**/*.ts', 'scripts/build.ts', 'package-lock.json'], {
    cwd: root,
    exclude: (name) => name.endsWith('.test.ts'),
  });
  return Math.max(...sources.map((source) => statSync(path.join(root, source)).mtimeMs));
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { target: { type: 'string' } } });
  try {
    const { etcd } = await ensureBuilt(values.target);
    console.log(`${path.relative(process.cwd(), etcd)} is up to date, with etcdctl and etcdutl beside it.`);
  } catch (error) {
    console.error(`error: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}
