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

const programs = ['etcd', 'etcdctl', 'etcdutl'] as const;
/** What each program is run with once, so that what every start needs is compiled already. Nothing answers there. */
const warmUps = {
  etcd: ['--version'],
  etcdctl: ['get', 'key', '--endpoints=127.0.0.1:1', '--command-timeout=100ms'],
  etcdutl: ['version'],
};

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
    const hash = createHash('sha256').update(process.version);
    for (const file of [bundles.main, ...Object.values(bundles.assets)]) hash.update(readFileSync(file));
    const digest = hash.digest('hex');
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
  /** What starts one of the programs. */
  readonly main: string;
  /** Files by the name that they are found by. */
  readonly assets: Readonly<Record<string, string>>;
}

async function bundleServer(work: string): Promise<Bundles> {
  // Loaded only to build: `etcdlab up` asks each time whether there is something to do.
  const { build } = await import('esbuild');
  const settings: BuildOptions = {
    bundle: true,
    platform: 'node',
    target: 'node26',
    format: 'cjs',
    minifySyntax: true,
    legalComments: 'none',
    logLevel: 'warning',
    // What is found beside a source file is only looked for when there are source files.
    logOverride: { 'empty-import-meta': 'silent' },
  };
  const bundle = async (source: string, name: string, more: BuildOptions = {}): Promise<string> => {
    const outfile = path.join(work, name);
    await build({ ...settings, ...more, entryPoints: [path.join(root, 'server', source)], outfile });
    return outfile;
  };
  // The programs are functions that the main program calls with its own `require`. Tools are read at each command, and so
  // made small; the server is left as it is, for its stack traces.
  const asFunction = { banner: { js: '(function (require, module) {' }, footer: { js: '})' } };
  const assets: Record<string, string> = {
    // A thread cannot be started from within the executable's main program: its program is an asset.
    'bcrypt-worker.cjs': await bundle('auth/bcrypt-worker.ts', 'bcrypt-worker.cjs'),
  };
  for (const name of programs) {
    const isTool = name !== 'etcd';
    const more = { ...asFunction, minify: isTool, keepNames: !isTool };
    assets[`${name}.cjs`] = await bundle(`${name}/program.ts`, `${name}.cjs`, more);
  }
  return { main: await bundle('executable.ts', 'main.cjs'), assets };
}

/**
 * Requests are short-lived objects by the thousand: in a larger nursery most are gone before it is looked through. Large
 * values lie outside the heap: unless they count as part of it, V8 lowers its limit to little more than what is alive, and
 * looks through all of it for each 64 MB of them; it begins with a higher limit, which takes no memory. Code caches are
 * made under the same options, or V8 refuses them.
 */
const heapOptions = [
  '--max-semi-space-size=64',
  '--initial-old-space-size=128',
  '--external-memory-accounted-in-global-limit',
];

/** What V8 makes of the programs, which only the Node.js that made it can use. */
async function compilePrograms(work: string, assets: Bundles['assets']): Promise<Bundles['assets']> {
  const { $ } = await import('zx');
  const compiler = path.join(root, 'scripts/compile-program.ts');
  const caches: Record<string, string> = {};
  for (const name of programs) {
    const cache = path.join(work, `${name}.cache`);
    const args = [compiler, assets[`${name}.cjs`] as string, cache, ...warmUps[name]];
    await $({ cwd: work, quiet: true })`${process.execPath} ${heapOptions} ${args}`;
    caches[`${name}.cache`] = cache;
  }
  return caches;
}

/** @param node the Node.js to put the bundles into; undefined: the one that runs @returns the executable */
async function makeExecutable(work: string, { main, assets }: Bundles, node: string | undefined): Promise<string> {
  const { $ } = await import('zx');
  const caches = node === undefined ? await compilePrograms(work, assets) : {};
  const config = path.join(work, 'sea.json');
  const output = path.join(work, 'etcd');
  const sea = {
    main,
    output,
    assets: { ...assets, ...caches },
    ...(node !== undefined && { executable: node }),
    disableExperimentalSEAWarning: true,
    // The cache holds machine code of the processor that made it.
    useCodeCache: node === undefined,
    execArgv: heapOptions,
    execArgvExtension: 'none',
  };
  writeFileSync(config, JSON.stringify(sea));
  await $({ cwd: work, quiet: true })`${process.execPath} ${heapOptions} --build-sea ${config}`;
  return output;
}

function newestSourceMs(): number {
  const sources = globSync(['server/**/*.ts', 'scripts/{build,compile-program}.ts', 'package-lock.json'], {
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
