/** The programs that a lab runs on: this Node.js, and the engine. */

import { LabError, messageOf } from '../../errors.ts';
import type { Host } from '../../hosts/host.ts';
import { type EngineBinaries, engineBinaries, missingBinaries } from '../../lab/engine.ts';
import { requireChecksum } from '../../lab/engine-archive.ts';
import type { DescribedEngine, EngineArchive } from '../../lab/engine-config.ts';
import { type Finding, ok, problem } from './finding.ts';

/** The first that runs TypeScript as it is, builds single executables, and has what the server uses. */
const wantedNodeMajor = 26;

/** @param execPath the executable that runs this: seldom the `node` that the shell finds */
export function checkNode(version: string, execPath: string): Finding {
  const isWanted = Number.parseInt(version.slice(1), 10) >= wantedNodeMajor;
  if (isWanted) return ok('node-version', `Node.js of the lab (${execPath})`, version);
  const advice = 'npm ci installs it; then start with: npx etcdlab';
  return problem('warning', 'node-version', 'Node.js', `${version}, v${wantedNodeMajor} is wanted`, advice);
}

/** The built-in engine is built when it is needed, an archive is unpacked; upstream's binaries must be there. */
export async function checkEngineFiles(engine: DescribedEngine): Promise<Finding> {
  if (engine.kind === 'built-in') return ok('engine', 'built-in', 'is built by up when its sources changed');
  const missing = await missingBinaries(engineBinaries(engine));
  // Once it is unpacked, the archive may be gone.
  if (engine.archive !== undefined && missing.length > 0) return checkArchive(engine.archive);
  if (missing.length === 0) return ok('engine', engine.path, 'etcd, etcdctl and etcdutl');
  const advice = 'name the folder that holds etcd, etcdctl and etcdutl: engine.path in lab.yaml, or --engine';
  return problem('error', 'engine', engine.path, `not there or not executable: ${missing.join(', ')}`, advice);
}

async function checkArchive(archive: EngineArchive): Promise<Finding> {
  try {
    await requireChecksum(archive);
    return ok('engine', archive.file, 'is the archive that is wanted');
  } catch (error) {
    const advice = error instanceof LabError ? error.advice.join('; ') : '';
    return problem('error', 'engine', archive.file, messageOf(error), advice);
  }
}

/** Where members run on this machine, the binaries must also run here. */
export async function checkEngine(engine: DescribedEngine, host: Host): Promise<Finding> {
  const files = await checkEngineFiles(engine);
  if (engine.kind === 'built-in' || files.severity !== 'ok') return files;
  const binaries = engineBinaries(engine);
  // An archive is not unpacked yet before the first `up`.
  if (engine.archive !== undefined && (await missingBinaries(binaries)).length > 0) return files;
  try {
    return ok('engine', engine.path, `etcd ${await engineVersion(binaries, host)}`);
  } catch (error) {
    const advice = 'is it built for this machine? try it: etcd --version';
    return problem('error', 'engine', engine.path, messageOf(error), advice);
  }
}

/** @returns what `etcd --version` says, such as `3.5.30` @throws Error if it does not say a version */
export async function engineVersion(binaries: EngineBinaries, host: Host): Promise<string> {
  const { exitCode, stdout, stderr } = await host.run(binaries.etcd, ['--version'], { timeoutMs: 10_000 });
  const version = /^etcd Version: (\S+)/m.exec(stdout)?.[1];
  if (exitCode === 0 && version !== undefined) return version;
  throw new Error(`${binaries.etcd} --version ended with ${exitCode}: ${(stderr || stdout).trim().slice(0, 200)}`);
}
