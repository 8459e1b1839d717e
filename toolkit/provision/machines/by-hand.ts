/**
 * What `up` does to a machine, as a shell script for people who want to do it by hand once. It is made by the steps of
 * `up` themselves, on a machine that is only imagined, so it cannot say anything else than they do.
 */
import { basename } from 'node:path';
import { BlankHost } from '../../hosts/blank-host.ts';
import type { HostUser } from '../../hosts/host.ts';
import { type PlannedAction, RecordingHost } from '../../hosts/recording-host.ts';
import { quoteCommand, quoteWord } from '../../hosts/ssh/command-line.ts';
import { memberUser } from '../../hosts/ssh/ssh-host.ts';
import { memberPkiFiles, renderMemberConfig } from '../../lab/member-config.ts';
import type { LabNode } from '../../lab/nodes.ts';
import type { LabState } from '../../lab/state.ts';
import { type EngineSource, installEngine } from './engine.ts';
import { prepareMachine } from './prepare.ts';

/** @returns a script for `sh`, to be run as root on the machine of that node */
export async function renderByHand(node: LabNode, state: LabState, engine: EngineSource): Promise<string> {
  const host = new RecordingHost(new BlankHost(node.name));
  await prepareMachine(host, node.name, state);
  await installEngine(host, engine);
  const prepared = host.planned.length;
  const bootstrap = state.bootstrap[node.name] as LabState['bootstrap'][string];
  const config = await renderMemberConfig(node, bootstrap);
  await host.putFile(node.paths.configFile, config);
  await host.service.define({
    executable: `${engine.folder}/etcd`,
    args: ['--config-file', node.paths.configFile],
    revision: 'by-hand',
  });
  await host.service.start();
  const lines = await Promise.all(host.planned.map((action) => renderAction(host, action)));
  return [
    '#!/bin/sh',
    `# What \`etcdlab up\` does on ${node.name} (${node.address}), to be run there as root.`,
    '# ENGINE: a folder with etcd, etcdctl and etcdutl.',
    '# PKI: a folder with what this member needs of the folder that `etcdlab render certificates` fills, or of the folder',
    `# pki of a lab: server-${node.name}*.pem, peer-${node.name}*.pem, *-ca.pem and *-ca.crl. Keys of authorities stay away.`,
    'set -eu',
    `: "\${ENGINE:?a folder with the engine}" "\${PKI:?a folder with the certificates of ${node.name}}"`,
    '',
    ...lines.slice(0, prepared),
    ...Object.values(memberPkiFiles(node)).map((path) => renderPki(node.name, path)),
    ...lines.slice(prepared),
    '',
  ].join('\n');
}

function owner(user: HostUser): string {
  return user === 'member' ? memberUser : 'root';
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

/** In the folder of a lab, the files of all members are side by side. */
function renderPki(node: string, path: string): string {
  const mode = path.endsWith('-key.pem') ? '0600' : '0644';
  const from = basename(path).replace(/^(server|peer)(?=\.|-key)/, `$1-${node}`);
  return `install -m ${mode} -o ${memberUser} -g ${memberUser} "$PKI"/${quoteWord(from)} ${quoteWord(path)}`;
}

/** No line of a rendered file is this one. */
const endOfFile = 'END-OF-FILE-BY-ETCDLAB';

async function renderAction(host: RecordingHost, planned: PlannedAction): Promise<string> {
  switch (planned.action) {
    case 'run':
      if (planned.as !== 'member') return quoteCommand(planned.command);
      return `runuser -u ${memberUser} -- ${quoteCommand(planned.command)}`;
    case 'make-directory': {
      const user = owner(planned.owner);
      return `install -d -m ${octal(planned.mode)} -o ${user} -g ${user} ${quoteWord(planned.path)}`;
    }
    case 'upload': {
      const path = quoteWord(planned.path);
      return `install -m ${octal(planned.mode)} -o root -g root "$ENGINE"/${quoteWord(basename(planned.path))} ${path}`;
    }
    case 'write': {
      const text = Buffer.from((await host.getFile(planned.path)) ?? '').toString('utf8');
      const user = owner(planned.owner);
      const path = quoteWord(planned.path);
      return [
        `cat > ${path} <<'${endOfFile}'`,
        `${text}${text.endsWith('\n') ? '' : '\n'}${endOfFile}`,
        `chown ${user}:${user} ${path}`,
        `chmod ${octal(planned.mode)} ${path}`,
      ].join('\n');
    }
    case 'start':
      return `systemctl start --no-block ${planned.unit}`;
    default:
      throw new TypeError(`${planned.action} is no part of bringing a member up`);
  }
}
