/**
 * The engine's way to a machine. Each engine has a folder of its own there, named after the digest of what is in it:
 * an executable is never replaced under a member that runs, and a member's unit tells which one it runs.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../../errors.ts';
import type { Host } from '../../hosts/host.ts';
import type { EngineConfig } from '../../lab/config.ts';
import type { EngineBinaries } from '../../lab/engine.ts';
import { machineEngines } from '../../lab/nodes.ts';
import type { Architecture } from './facts.ts';
import { must } from './prepare.ts';

/** Executables on this machine that are to run on others. */
export interface EngineSource {
  /** Where it goes on a machine. */
  readonly folder: string;
  readonly files: readonly { readonly name: string; readonly localPath: string; readonly sha256: string }[];
  /** Names that are links to `etcd`: the built-in engine is one executable. */
  readonly links: readonly string[];
}

/**
 * @param binaries of that architecture, on this machine
 * @throws LabError LAB_ENGINE if an executable cannot be read or is for other machines
 */
export async function engineSource(
  kind: EngineConfig['kind'],
  binaries: EngineBinaries,
  architecture: Architecture,
): Promise<EngineSource> {
  const names = kind === 'built-in' ? (['etcd'] as const) : (['etcd', 'etcdctl', 'etcdutl'] as const);
  const files = await Promise.all(
    names.map(async (name) => {
      await refuseForeign(binaries[name], architecture);
      return { name, localPath: binaries[name], sha256: await sha256OfFile(binaries[name]) };
    }),
  );
  const all = createHash('sha256').update(files.map(({ sha256 }) => sha256).join());
  return {
    folder: join(machineEngines, `${kind}-${all.digest('hex').slice(0, 16)}`),
    files,
    links: kind === 'built-in' ? ['etcdctl', 'etcdutl'] : [],
  };
}

/** The executable is read from the disk for the first time: an emulated machine among others has needed half a minute. */
const firstRunTimeoutMs = 180_000;

/** e_machine of ELF (ELF header, offset 18). */
const elfMachines: Readonly<Record<Architecture, number>> = { x64: 0x3e, arm64: 0xb7 };

async function refuseForeign(file: string, architecture: Architecture): Promise<void> {
  let header: Buffer;
  try {
    const handle = await open(file, 'r');
    try {
      header = (await handle.read(Buffer.alloc(20), 0, 20, 0)).buffer;
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw new LabError('LAB_ENGINE', `${file} cannot be read`, { advice: 'etcdlab doctor', cause });
  }
  const isElf = header.toString('latin1', 0, 4) === '\x7fELF';
  if (isElf && header.readUInt16LE(18) === elfMachines[architecture]) return;
  throw new LabError('LAB_ENGINE', `${file} is no Linux executable for ${architecture}`, {
    advice: 'name a folder with the right ones: engine.path in lab.yaml, or --engine',
  });
}

/**
 * Installs what is missing or damaged, and lets it say its version: then it runs on that machine.
 * @returns whether anything was changed
 * @throws LabError LAB_ENGINE if it does not run there
 */
export async function installEngine(host: Host, source: EngineSource, signal?: AbortSignal): Promise<boolean> {
  const { folder, files, links } = source;
  let changed = false;
  await host.makeDirectory(folder, 0o755, 'root');
  for (const { name, localPath, sha256 } of files) {
    const path = join(folder, name);
    if ((await sha256OnHost(host, path)) === sha256) continue;
    await host.upload(localPath, path, 0o755, 'root', signal);
    changed = true;
  }
  for (const link of links) {
    const path = join(folder, link);
    const { stdout } = await host.run('readlink', [path], { as: 'root', readOnly: true });
    if (stdout.trim() === 'etcd') continue;
    await must(host, 'ln', ['-sfnT', 'etcd', path]);
    changed = true;
  }
  if (changed) await requireVersion(host, join(folder, 'etcd'));
  return changed;
}

async function requireVersion(host: Host, etcd: string): Promise<void> {
  const { exitCode, stdout, stderr } = await host.run(etcd, ['--version'], { timeoutMs: firstRunTimeoutMs });
  if (exitCode === 0) return;
  const reason = (stderr || stdout).trim().split('\n')[0] ?? '';
  throw new LabError('LAB_ENGINE', `${etcd} does not run on ${host.name} (exit code ${exitCode}): ${reason}`, {
    advice: 'is it built for that system? Upstream etcd and the built-in engine need Linux with glibc 2.28 or later',
  });
}

export async function sha256OnHost(host: Host, path: string): Promise<string | undefined> {
  const { exitCode, stdout } = await host.run('sha256sum', ['--', path], { as: 'root', readOnly: true });
  return exitCode === 0 ? /^\\?([0-9a-f]{64})\b/.exec(stdout)?.[1] : undefined;
}

/** Removes the engines that are in use no more. @returns what was removed */
export async function removeOtherEngines(host: Host, folder: string): Promise<string[]> {
  const others = (await host.list(machineEngines)).filter((name) => join(machineEngines, name) !== folder);
  for (const name of others) await host.remove(join(machineEngines, name));
  return others;
}

export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}
