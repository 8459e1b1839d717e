/** Whether the machines of a lab will do: every problem of every machine, all at once. Changes nothing. */
import { LabError } from '../../errors.ts';
import { unitFile } from '../../hosts/ssh/systemd-service.ts';
import type { LabConfig } from '../../lab/config.ts';
import type { LabNode } from '../../lab/nodes.ts';
import type { LabState } from '../../lab/state.ts';
import { type Finding, ok, problem } from '../preflight/finding.ts';
import { type MachineFacts, neededTools, readFacts } from './facts.ts';
import { isOwn } from './record.ts';

const neededMemoryMiB = 256;
const comfortableMemoryMiB = 768;
const neededDiskMiB = 500;
const comfortableDiskMiB = 2048;
/** etcd's documentation wants fsync below 10 ms. */
const slowSyncMs = 10;
/** The first systemd with all that the unit uses. */
const neededSystemd = 239;
/** From here on etcd warns of a difference between members. */
const comfortableSkewMs = 1000;
const optionalTools = new Set(['nft', 'ss']);

/** Of a lab's description, what its machines are measured by. */
export type Demands = Pick<LabConfig, 'engine' | 'certificates'>;

export interface CheckedMachines {
  readonly findings: readonly Finding[];
  /** By node; without those that could not be reached. */
  readonly facts: ReadonlyMap<string, MachineFacts>;
}

/** @param state what is remembered of the lab, if it was brought up before */
export async function checkMachines(
  nodes: readonly LabNode[],
  demands: Demands,
  state: LabState | undefined,
): Promise<CheckedMachines> {
  const facts = new Map<string, MachineFacts>();
  const findings = await Promise.all(
    nodes.map(async (node): Promise<Finding[]> => {
      const peers = nodes.filter((other) => other !== node).map((other) => `${other.address}:${other.peerPort}`);
      try {
        const found = await readFacts(node.host, peers);
        facts.set(node.name, found);
        return judgeMachine(node, found, demands, state);
      } catch (error) {
        if (!(error instanceof LabError) || error.code === 'LAB_INTERRUPTED') throw error;
        return [problem('error', 'ssh', node.name, error.message, error.advice.join('; '))];
      }
    }),
  );
  return { findings: findings.flat(), facts };
}

/** @returns what is to be said about one machine */
export function judgeMachine(
  node: LabNode,
  facts: MachineFacts,
  { engine, certificates }: Demands,
  state: LabState | undefined,
): Finding[] {
  return [
    judgeSystem(node, facts),
    judgeOwner(node, facts, state),
    ...judgeTools(node, facts, engine.kind),
    judgeAddress(node, facts),
    ...judgePorts(node, facts),
    judgeClock(node, facts, certificates),
    judgeMemory(node, facts),
    judgeDisk(node, facts),
    judgeSync(node, facts),
    ...judgePeers(node, facts, state !== undefined),
  ];
}

function judgeSystem({ name }: LabNode, { architecture, machine, system, systemdVersion }: MachineFacts): Finding {
  const found = `${system}, ${machine}, systemd ${systemdVersion || 'is not what started it'}`;
  if (architecture === undefined) {
    return problem('error', 'system', name, `${found}: there is no executable for ${machine}`, 'use x86_64 or aarch64');
  }
  if (systemdVersion < neededSystemd) {
    return problem('error', 'system', name, found, `use a system that runs systemd ${neededSystemd} or later`);
  }
  return ok('system', name, found);
}

/** A machine that does something already is not taken over. */
function judgeOwner({ name }: LabNode, facts: MachineFacts, state: LabState | undefined): Finding {
  const { record, unitFile: found, unitState, memberPid, hasData } = facts;
  if (record !== undefined) {
    if (state !== undefined && isOwn(record, state)) return ok('owner', name, `belongs to this lab, as ${record.node}`);
    const whose = `belongs to lab '${record.lab}' of ${record.createdAt}, as ${record.node}`;
    return problem('error', 'owner', name, whose, 'destroy that lab first, or use another machine');
  }
  const isOfPackage = found !== '' && found !== unitFile;
  if (isOfPackage && (memberPid !== 0 || unitState !== 'disabled')) {
    const advice = 'if nobody needs it: sudo systemctl disable --now etcd; or use another machine';
    return problem('error', 'owner', name, `has an etcd service already: ${found}`, advice);
  }
  if (found === unitFile || hasData) {
    const what = hasData ? 'data in /var/lib/etcd' : found;
    return problem('error', 'owner', name, `has an etcd already that no lab made: ${what}`, 'use another machine');
  }
  return ok('owner', name, isOfPackage ? 'free: the etcd service of a package is disabled' : 'free');
}

function judgeTools(
  { name }: LabNode,
  { missingTools, hasLibatomic }: MachineFacts,
  engine: LabConfig['engine']['kind'],
): Finding[] {
  const findings = missingTools.map((tool) =>
    problem(
      optionalTools.has(tool) ? 'warning' : 'error',
      'tools',
      name,
      tool === 'nft' ? 'nft is not there: the network cannot be cut' : `${tool} is not there`,
      `install it: sudo apt-get install ${neededTools[tool]}`,
    ),
  );
  if (engine === 'built-in' && !hasLibatomic) {
    const advice = 'install it: sudo apt-get install libatomic1 (elsewhere: libatomic)';
    findings.push(problem('error', 'tools', name, 'libatomic.so.1 is not there: the engine needs it', advice));
  }
  return findings.length === 0 ? [ok('tools', name, 'all that is needed')] : findings;
}

function judgeAddress({ name, address }: LabNode, { addresses }: MachineFacts): Finding {
  // `hostname -I` is not everywhere; a wrong address then shows when the member starts.
  if (addresses.length === 0 || addresses.includes(address)) return ok('address', name, address);
  const found = `${address} is none of its addresses: ${addresses.join(', ')}`;
  return problem('error', 'address', name, found, `correct the address of ${name} in lab.yaml`);
}

function judgePorts(node: LabNode, { listeners, memberPid }: MachineFacts): Finding[] {
  return [node.clientPort, node.peerPort].map((port) => {
    const subject = `${node.name} ${node.address}:${port}`;
    const taken = listeners.find(
      (listener) => listener.port === port && [node.address, '0.0.0.0', '*', '[::]'].includes(listener.address),
    );
    if (taken === undefined) return ok('port-free', subject, 'free');
    if (taken.pid !== undefined && taken.pid === memberPid)
      return ok('port-free', subject, 'used by the member itself');
    const advice = `stop it, or use another port in lab.yaml`;
    return problem('error', 'port-free', subject, `in use by ${taken.process || 'another process'}`, advice);
  });
}

/** A certificate is refused by a clock before its beginning or after its end; renewal is due when a third of it is left. */
function judgeClock(
  { name }: LabNode,
  { clockAheadMs, clockErrorMs }: MachineFacts,
  { backdate, validity }: LabConfig['certificates'],
): Finding {
  const skewMs = Math.max(0, Math.abs(clockAheadMs) - clockErrorMs);
  const isAhead = clockAheadMs > 0;
  const found = `${(skewMs / 1000).toFixed(1)} s ${isAhead ? 'ahead of' : 'behind'} this machine`;
  const advice =
    'synchronise it: sudo timedatectl set-ntp true; where that is not supported: sudo apt-get install systemd-timesyncd';
  // The last fifth is for clocks that drift.
  if (!isAhead && skewMs > backdate * 0.8) {
    return problem('error', 'clock', name, `${found}: certificates would not be valid there yet`, advice);
  }
  if (isAhead && skewMs > validity / 3) {
    return problem('error', 'clock', name, `${found}: certificates would end there before they are renewed`, advice);
  }
  if (skewMs > comfortableSkewMs) return problem('warning', 'clock', name, found, advice);
  return ok('clock', name, 'agrees with this machine');
}

function judgeMemory({ name }: LabNode, { memoryMiB }: MachineFacts): Finding {
  const found = `${memoryMiB} MiB`;
  if (memoryMiB < neededMemoryMiB) {
    return problem('error', 'memory', name, `${found}, ${neededMemoryMiB} needed`, 'give it more');
  }
  if (memoryMiB < comfortableMemoryMiB) {
    return problem('warning', 'memory', name, `${found}, ${comfortableMemoryMiB} advised`, 'give it more');
  }
  return ok('memory', name, found);
}

function judgeDisk({ name }: LabNode, { freeDiskMiB }: MachineFacts): Finding {
  const found = `${freeDiskMiB} MiB free for /var/lib/etcd`;
  if (freeDiskMiB < neededDiskMiB) {
    return problem('error', 'disk-space', name, `${found}, ${neededDiskMiB} needed`, 'free some space');
  }
  if (freeDiskMiB < comfortableDiskMiB) {
    return problem('warning', 'disk-space', name, `${found}, ${comfortableDiskMiB} advised`, 'free some space');
  }
  return ok('disk-space', name, found);
}

function judgeSync({ name }: LabNode, { syncMs }: MachineFacts): Finding {
  if (syncMs === undefined) return ok('disk-sync', name, 'not measured while a lab uses the machine');
  const found = `a durable write takes ${syncMs.toFixed(1)} ms (mean of 40)`;
  if (syncMs <= slowSyncMs) return ok('disk-sync', name, found);
  const advice = 'expect slow writes and, under load, changes of leader; a local SSD is best';
  return problem('warning', 'disk-sync', name, `${found}, below ${slowSyncMs} ms is wanted`, advice);
}

/** @param isOld a lab that is there already: it may be cut on purpose, and `up` may be what repairs it */
function judgePeers({ name }: LabNode, { silentPeers, isCut }: MachineFacts, isOld: boolean): Finding[] {
  if (isCut)
    return [
      problem(
        'warning',
        'network',
        name,
        'is cut off from other members',
        `up takes that back; so does etcdlab heal ${name}`,
      ),
    ];
  if (silentPeers.length === 0) return [ok('network', name, 'reaches the other machines')];
  const advice = 'a firewall between the machines? let the peer ports through, in both directions';
  return silentPeers.map((peer) =>
    problem(isOld ? 'warning' : 'error', 'network', name, `has no answer from ${peer}`, advice),
  );
}
