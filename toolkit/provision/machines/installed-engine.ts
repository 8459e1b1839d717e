/**
 * Upstream's engine as the package manager of the first machine has installed it. It is fetched, and goes to all
 * machines as an engine from anywhere does: every member runs the same bytes, and an upgrade of the package replaces no
 * executable under a running member, until the next `up` takes it to one after the other.
 */
import { join } from 'node:path';
import type { Host } from '../../hosts/host.ts';
import { type Finding, ok, problem } from '../preflight/finding.ts';
import { sha256OfFile, sha256OnHost } from './engine.ts';

const names = ['etcd', 'etcdctl', 'etcdutl'] as const;
/** The first with etcdutl, without which nothing is restored. */
const wanted = { major: 3, minor: 5 } as const;
const installAdvice =
  'install them there, such as: sudo apt-get install etcd-server etcd-client; or name path or archive';

/** @param folder where they are on the machine @returns whether they will do; changes nothing */
export async function checkInstalledEngine(host: Host, folder: string): Promise<Finding> {
  const subject = `${host.name} ${folder}`;
  const missing: string[] = [];
  for (const name of names) if (!(await host.exists(join(folder, name)))) missing.push(name);
  if (missing.length > 0) {
    return problem('error', 'engine', subject, `${missing.join(', ')} not installed there`, installAdvice);
  }
  const etcd = join(folder, 'etcd');
  const { stdout } = await host.run(etcd, ['--version'], { as: 'login', readOnly: true, timeoutMs: 30_000 });
  const [, version = '', major, minor] = /^etcd Version: (([0-9]+)\.([0-9]+)\S*)/m.exec(stdout) ?? [];
  if (Number(major) === wanted.major && Number(minor) >= wanted.minor) return ok('engine', subject, `etcd ${version}`);
  const found = version === '' ? 'does not say its version' : `is etcd ${version}, 3.5 or a later 3.x is needed`;
  return problem(
    'error',
    'engine',
    subject,
    found,
    'name a release of upstream instead: engine.path or engine.archive',
  );
}

/** Fetches what is not here yet, or has been replaced there. @param to the folder on this machine */
export async function fetchInstalledEngine(host: Host, folder: string, to: string): Promise<void> {
  for (const name of names) {
    const [there, here] = [join(folder, name), join(to, name)];
    const digest = await sha256OnHost(host, there);
    if (digest !== undefined && digest === (await sha256OfFile(here).catch(() => undefined))) continue;
    await host.download(there, here, 0o755);
  }
}
