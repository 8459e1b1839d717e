/** What somebody needs who helps from afar: logs, configuration and findings, without a secret. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { unitFile } from '../hosts/ssh/systemd-service.ts';
import type { Lab } from '../lab/lab.ts';
import type { LabNode } from '../lab/nodes.ts';
import { formatLogLine } from './health/mod.ts';
import { redactFile } from './redact.ts';

const logLines = 2000;
const maxSectionBytes = 8 * 1024 * 1024;

/**
 * Collects one file per question and node into a folder. What cannot be found out is written down as such.
 * @param extra files by name, such as what doctor and status say
 * @returns the names of the files
 */
export async function collectSupport(
  lab: Lab,
  folder: string,
  extra: Readonly<Record<string, string>>,
): Promise<string[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const files = new Map(Object.entries(extra));
  files.set('state.json', JSON.stringify(lab.state, null, 2));
  await Promise.all(
    lab.nodes.map(async (node) => {
      for (const [name, ask] of Object.entries(questions)) {
        const text = await ask(node).catch((error: unknown) => `cannot be found out: ${messageOf(error)}`);
        files.set(`${node.name}/${name}`, text);
      }
    }),
  );
  for (const node of lab.nodes) await mkdir(join(folder, node.name), { recursive: true, mode: 0o700 });
  for (const [name, text] of files) {
    await writeFile(join(folder, name), redactFile(name, text).slice(-maxSectionBytes), { mode: 0o600 });
  }
  return [...files.keys()].sort();
}

type Question = (node: LabNode) => Promise<string>;

const output =
  (file: string, ...args: string[]): Question =>
  async ({ host }) => {
    const { exitCode, stdout, stderr } = await host.run(file, args, { as: 'root', readOnly: true });
    return `$ ${[file, ...args].join(' ')}\n${stdout}${stderr}[exit code ${exitCode}]\n`;
  };

const content =
  (path: (node: LabNode) => string): Question =>
  async (node) =>
    Buffer.from((await node.host.getFile(path(node))) ?? '[there is no such file]').toString('utf8');

const questions: Readonly<Record<string, Question>> = {
  'etcd.log': async ({ host }) => (await host.service.logTail(logLines)).join('\n'),
  'etcd-readable.log': async ({ host }) => (await host.service.logTail(logLines)).map(formatLogLine).join('\n'),
  'etcd.conf.yml': content(({ paths }) => paths.configFile),
  'service.json': async ({ host }) => JSON.stringify(await host.service.status(), null, 2),
  'version.txt': (node) => output(node.binaries.etcd, '--version')(node),
  'system.txt': output('uname', '-a'),
  'disk.txt': async (node) => output('df', '-h', node.paths.root)(node),
  'etcd.service': (node) =>
    node.host.kind === 'local' ? Promise.resolve('[local process]') : content(() => unitFile)(node),
  'security.txt': (node) =>
    node.host.kind === 'local'
      ? Promise.resolve('[local process]')
      : output('systemd-analyze', 'security', '--no-pager', 'etcd.service')(node),
};
