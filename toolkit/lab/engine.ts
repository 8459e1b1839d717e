/** Where a lab's etcd, etcdctl and etcdutl come from. */
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineConfig } from './config.ts';
import { projectRoot } from './project.ts';

/** Absolute paths of executables. */
export interface EngineBinaries {
  readonly etcd: string;
  readonly etcdctl: string;
  readonly etcdutl: string;
}

const names = ['etcd', 'etcdctl', 'etcdutl'] as const;

/** @returns the executables in a folder, without looking */
export function binariesIn(folder: string): EngineBinaries {
  return { etcd: join(folder, 'etcd'), etcdctl: join(folder, 'etcdctl'), etcdutl: join(folder, 'etcdutl') };
}

/** @returns where the engine's executables are or will be, without looking */
export function engineBinaries(engine: EngineConfig): EngineBinaries {
  return binariesIn(engine.kind === 'upstream' ? engine.path : join(projectRoot, 'dist'));
}

/** @returns the executables that are missing or not executable */
export async function missingBinaries(binaries: EngineBinaries): Promise<string[]> {
  const missing: string[] = [];
  for (const name of names) {
    await access(binaries[name], constants.X_OK).catch(() => missing.push(binaries[name]));
  }
  return missing;
}

/** What the executable is to run on, such as `linux-arm64`; undefined: this machine. */
export type BuildTarget = string | undefined;

/** Builds the built-in engine if it is missing or older than its sources. */
export type EnsureBuilt = (target?: BuildTarget) => Promise<EngineBinaries>;

/** The real `EnsureBuilt`. Loaded on demand: a lab on the upstream engine needs no build tools. */
export const ensureBuilt: EnsureBuilt = async (target) => {
  const build = await import('../../scripts/build.ts');
  return build.ensureBuilt(target);
};
