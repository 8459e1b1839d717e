/** The Node.js executable of another platform, from the npm package that brings it there. */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { $ } from 'zx';

const root = path.resolve(import.meta.dirname, '..');

interface LockedPackage {
  readonly version: string;
  readonly integrity: string;
}

/**
 * Fetches the package once, by npm, and takes only what package-lock.json vouches for.
 *
 * @param target such as `linux-arm64`
 * @returns the path of its executable
 * @throws Error if it cannot be fetched, or is not what package-lock.json says
 */
export async function foreignNode(target: string): Promise<string> {
  const name = `node-${target}`;
  const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedPackage | undefined>;
  };
  const locked = lock.packages[`node_modules/${name}`];
  if (locked === undefined) throw new Error(`package-lock.json knows no ${name}`);
  const cache = path.join(root, 'node_modules/.cache/etcdlab');
  const node = path.join(cache, `${name}-${locked.version}`);
  if (existsSync(node)) return node;
  const work = path.join(cache, `.fetching-${process.pid}`);
  mkdirSync(work, { recursive: true });
  try {
    await $({ cwd: work, quiet: true })`npm pack --silent ${`${name}@${locked.version}`}`;
    const archive = path.join(work, readdirSync(work).find((file) => file.endsWith('.tgz')) ?? '');
    refuseOther(readFileSync(archive), locked.integrity, name);
    await $({ cwd: work, quiet: true })`tar -xzf ${archive} package/bin/node`;
    const extracted = path.join(work, 'package/bin/node');
    chmodSync(extracted, 0o755);
    renameSync(extracted, node);
    return node;
  } catch (cause) {
    throw new Error(`${name} ${locked.version} cannot be fetched: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** @param integrity as npm writes it: `sha512-BASE64` */
function refuseOther(bytes: Buffer, integrity: string, name: string): void {
  const [algorithm = '', wanted] = integrity.split('-');
  const found = createHash(algorithm).update(bytes).digest('base64');
  if (found !== wanted) throw new Error(`the archive of ${name} is not the one in package-lock.json`);
}
