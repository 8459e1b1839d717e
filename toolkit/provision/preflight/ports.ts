/** Every port a member is to listen on must be free, unless that member is what listens there. */
import { bindError, type PortOwner, portOwner } from '../../hosts/port-owner.ts';
import { quoteCommand } from '../../hosts/ssh/command-line.ts';
import type { LabNode } from '../../lab/nodes.ts';
import { type Finding, ok, problem } from './finding.ts';

const check = 'port-free';

/** @returns one finding per port of every node */
export async function checkPorts(nodes: readonly LabNode[]): Promise<Finding[]> {
  const findings = await Promise.all(
    nodes.map(async (node) => {
      const { state } = await node.host.service.status();
      const isAlive = state === 'running' || state === 'frozen';
      return Promise.all(
        [
          { use: 'clients', port: node.clientPort },
          { use: 'peers', port: node.peerPort },
        ].map(async ({ use, port }) => {
          const subject = `${node.address}:${port} (${node.name}, ${use})`;
          if (isAlive) return ok(check, subject, 'used by the member itself');
          const code = await bindError(node.address, port);
          if (code === undefined) return ok(check, subject, 'free');
          const owner = code === 'EADDRINUSE' ? await portOwner(port) : undefined;
          return describeBindError(code, subject, node, port, owner);
        }),
      );
    }),
  );
  return findings.flat();
}

/** @param owner who listens there, if it could be seen */
export function describeBindError(
  code: string,
  subject: string,
  node: LabNode,
  port: number,
  owner: PortOwner | undefined,
): Finding {
  if (code === 'EADDRNOTAVAIL') {
    return problem('error', check, subject, `${node.address} is no address of this machine`, 'correct it in lab.yaml');
  }
  if (code === 'EACCES') {
    return problem('error', check, subject, `port ${port} is for root only`, 'use a port above 1023 in lab.yaml');
  }
  if (code !== 'EADDRINUSE')
    return problem('error', check, subject, `cannot be bound: ${code}`, 'change it in lab.yaml');
  if (owner === undefined) {
    const advice = `find it with 'sudo ss -ltnp sport = :${port}', or use another port in lab.yaml`;
    return problem('error', check, subject, "in use by another user's process", advice);
  }
  if (owner.command.includes(node.paths.configFile)) {
    const found = `in use by pid ${owner.pid}, this very member, started by a run that was killed`;
    return problem('error', check, subject, found, `kill ${owner.pid}`);
  }
  const lab = /--config-file (.+)\/([^/]+)\/hosts\/([^/]+)\/etcd\.conf\.yml/.exec(owner.command);
  if (lab !== null) {
    const [, folder = '', name, member] = lab;
    const isBeside = node.paths.root.startsWith(`${folder}/`);
    const which = isBeside ? `--name ${name}` : `--name ${name} --state-dir ${quoteCommand([folder])}`;
    const found = `in use by ${member} of lab '${name}'${isBeside ? '' : ` in ${folder}`}`;
    return problem('error', check, subject, found, `etcdlab down ${which}, or use other ports in lab.yaml`);
  }
  const command = owner.command.length > 60 ? `${owner.command.slice(0, 59)}…` : owner.command;
  const advice = `stop it (kill ${owner.pid}), or use another port in lab.yaml`;
  return problem('error', check, subject, `in use by pid ${owner.pid}: ${command}`, advice);
}
