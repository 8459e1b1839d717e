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
import type { BuildOptions } from 'esbuild';

/** Absolute paths of the three programs. */
export interface Executables {
  etcd: string;
  etcdctl: string;
  etcdutl: string;
}

const root = path.resolve(import.meta.dirname, '..');
const dist = path.join(root, 'dist');

/**
 * Builds the executables unless they are newer than every source, or bundle to the same bytes as last time.
 *
 * @returns where they are
 * @throws Error when the bundle or the executable cannot be made; what was there before stays
 */
export async function ensureBuilt(_target?: string): Promise<Executables> {
  const executables = {
    etcd: path.join(dist, 'etcd'),
    etcdctl: path.join(dist, 'etcdctl'),
    etcdutl: path.join(dist, 'etcdutl'),
  };
  const stamp = path.join(dist, '.bundle-digest');
  if (
    Object.values(executables).every(existsSync) &&
    existsSync(stamp) &&
    newestSourceMs() <= statSync(stamp).mtimeMs
  ) {
    return executables;
  }

  // Loaded only to build: `etcdlab up` asks each time whether there is something to do.
  const [{ build }, { $ }] = await Promise.all([import('esbuild'), import('zx')]);
  // Built in a folder of its own and moved into place, so that an interrupted build leaves nothing half made.
  const work = path.join(dist, `.build-${process.pid}`);
  mkdirSync(work, { recursive: true });
  try {
    const bundle = path.join(work, 'main.cjs');
    // A thread cannot be started from within the executable's main program: its program is an asset.
    const worker = path.join(work, 'bcrypt-worker.cjs');
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
    await build({ ...settings, entryPoints: [path.join(root, 'server/main.ts')], outfile: bundle });
    await build({ ...settings, entryPoints: [path.join(root, 'server/auth/bcrypt-worker.ts')], outfile: worker });
    const digest = createHash('sha256')
      .update(process.version)
      .update(readFileSync(bundle))
      .update(readFileSync(worker))
      .digest('hex');
    if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== digest || !Object.values(executables).every(existsSync)) {
      const config = path.join(work, 'sea.json');
      const output = path.join(work, 'etcd');
      const sea = {
        main: bundle,
        output,
        assets: { 'bcrypt-worker.cjs': worker },
        disableExperimentalSEAWarning: true,
        useCodeCache: true,
        execArgvExtension: 'none',
      };
      writeFileSync(config, JSON.stringify(sea));
      await $({ cwd: work, quiet: true })`${process.execPath} --build-sea ${config}`;
      renameSync(output, executables.etcd);
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

function newestSourceMs(): number {
  const sources = globSync(['server/**/*.ts', 'scripts/build.ts', 'package-lock.json'], {
    cwd: root,
    exclude: (name) => name.endsWith('.test.ts'),
  });
  return Math.max(...sources.map((source) => statSync(path.join(root, source)).mtimeMs));
}

if (import.meta.main) {
  const { etcd } = await ensureBuilt();
  console.log(`${path.relative(process.cwd(), etcd)} is up to date, with etcdctl and etcdutl beside it.`);
}
