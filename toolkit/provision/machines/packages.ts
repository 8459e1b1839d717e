/** Installs what a machine lacks, where that was asked for: on machines that were made for the lab, or with a flag. */
import { LabError } from '../../errors.ts';
import type { LabNode } from '../../lab/nodes.ts';
import { neededTools, readFacts } from './facts.ts';

const timeoutMs = 300_000;

/** @returns the packages that were installed; none if nothing was missing @throws LabError LAB_PACKAGES */
export async function installPackages({ host, name }: LabNode): Promise<string[]> {
  const facts = await readFacts(host, []);
  const missing = new Set(facts.missingTools.map((tool) => neededTools[tool] as string));
  if (!facts.hasLibatomic) missing.add('libatomic1');
  if (missing.size === 0) return [];
  const packages = [...missing].sort();
  const environment = { DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', ...packages],
  ]) {
    const { exitCode, stderr } = await host.run('apt-get', args, { as: 'root', environment, timeoutMs });
    if (exitCode === 0) continue;
    throw new LabError('LAB_PACKAGES', `${packages.join(', ')} cannot be installed on ${name}`, {
      details: stderr.trim().split('\n').slice(-5),
      advice: `install them by hand: etcdlab ssh ${name}`,
    });
  }
  return packages;
}
