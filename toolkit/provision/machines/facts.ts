/** What a machine is: everything that checks want to know, asked in one go. Changes nothing. */
import { LabError } from '../../errors.ts';
import type { Host } from '../../hosts/host.ts';
import { unitName } from '../../hosts/ssh/systemd-service.ts';
import { machinePaths } from '../../lab/nodes.ts';
import { type MachineRecord, parseRecord, recordFile } from './record.ts';

/** As Node.js calls them. */
export type Architecture = 'x64' | 'arm64';

export interface Listener {
  readonly address: string;
  readonly port: number;
  /** Such as `sshd (pid 17)`; empty if it cannot be seen. */
  readonly process: string;
  readonly pid?: number;
}

export interface MachineFacts {
  /** Undefined if etcdlab has no executable for it. */
  readonly architecture: Architecture | undefined;
  /** As `uname -m` says it. */
  readonly machine: string;
  /** Such as `Debian GNU/Linux 12 (bookworm)`. */
  readonly system: string;
  /** 0 if the machine was not started by systemd. */
  readonly systemdVersion: number;
  readonly memoryMiB: number;
  /** On the file system that the data is or will be on. */
  readonly freeDiskMiB: number;
  /** The mean of forty small writes, each made durable; undefined on a machine that a lab uses already. */
  readonly syncMs: number | undefined;
  /** How far the machine's clock is ahead of this one's; negative if it is behind. */
  readonly clockAheadMs: number;
  /** How wrong `clockAheadMs` may be: half the time that the question took. */
  readonly clockErrorMs: number;
  /** IPv4. */
  readonly addresses: readonly string[];
  readonly missingTools: readonly string[];
  /** Whether libatomic.so.1 is there, which Node.js is linked with and small systems lack. */
  readonly hasLibatomic: boolean;
  readonly listeners: readonly Listener[];
  /** The process of a member that runs, if any. */
  readonly memberPid: number;
  /** Whether a unit of that name is there already, and where. */
  readonly unitFile: string;
  /** As systemd calls it, such as `enabled` or `disabled`. */
  readonly unitState: string;
  /** Which lab the machine belongs to. */
  readonly record: MachineRecord | undefined;
  /** Whether there is data of a member; where no lab was, whether there is anything in the place for it. */
  readonly hasData: boolean;
  /** Peers that could not be asked within two seconds: neither an answer nor a refusal came back. */
  readonly silentPeers: readonly string[];
  readonly isCut: boolean;
}

/** What provisioning runs on the machine, and for each command the Debian package that has it. */
export const neededTools: Readonly<Record<string, string>> = {
  gzip: 'gzip',
  sha256sum: 'coreutils',
  timeout: 'coreutils',
  journalctl: 'systemd',
  'systemd-notify': 'systemd',
  useradd: 'passwd',
  nft: 'nftables',
  ss: 'iproute2',
};

/**
 * RECORD UNIT DATA TOOLS PEERS, the last two as words apart by spaces; a peer is ADDRESS:PORT. The disk is measured with
 * a scratch file, removed at once, and not where it would hold up a member.
 */
const script = `set -u
export LC_ALL=C
echo "Machine=$(uname -m)"
echo "System=$( (. /etc/os-release && echo "$PRETTY_NAME") 2>/dev/null || uname -s)"
[ "$(cat /proc/1/comm)" = systemd ] && echo "Systemd=$(systemctl --version | sed -n '1s/^systemd \\([0-9]*\\).*/\\1/p')"
echo "MemoryKiB=$(sed -n 's/^MemTotal: *\\([0-9]*\\).*/\\1/p' /proc/meminfo)"
directory=$3
while [ ! -d "$directory" ]; do directory=$(dirname -- "$directory"); done
echo "FreeDiskBlocks=$(stat -f -c '%a %S' -- "$directory")"
[ -e "$1" ] || scratch=$(mktemp -- "$directory/.etcdlab-sync-XXXXXX")
[ -z "\${scratch:-}" ] || {
  before=$(date +%s%N)
  dd if=/dev/zero of="$scratch" bs=2300 count=40 oflag=dsync 2>/dev/null
  echo "SyncNs=$(( ($(date +%s%N) - before) / 40 ))"
  rm -f -- "$scratch"
}
echo "Addresses=$(hostname -I 2>/dev/null)"
for tool in $4; do command -v "$tool" > /dev/null || echo "Missing=$tool"; done
ldconfig -p | grep -q 'libatomic\\.so\\.1' && echo "HasLibatomic=yes"
ss -Hltnp 2>/dev/null | while read -r state receive send local peer process; do echo "Listener=$local $process"; done
echo "MemberPid=$(systemctl show "$2" -p MainPID --value 2>/dev/null)"
echo "UnitFile=$(systemctl show "$2" -p FragmentPath --value 2>/dev/null)"
echo "UnitState=$(systemctl show "$2" -p UnitFileState --value 2>/dev/null)"
[ ! -e "$1" ] || echo "Record=$(tr -d '\\n' < "$1")"
[ ! -d "$3/member" ] || echo "HasData=yes"
[ -e "$1" ] || [ -z "$(ls -A -- "$(dirname -- "$3")" 2>/dev/null)" ] || echo "HasData=yes"
nft list table inet etcdlab_cut > /dev/null 2>&1 && echo "IsCut=yes"
for peer in $5; do
  timeout 2 bash -c 'exec 3<>"/dev/tcp/\${0%:*}/\${0##*:}"' "$peer" 2>/dev/null
  [ $? -ne 124 ] || echo "Silent=$peer"
done
echo "Clock=$(date +%s%N)"`;

/**
 * @param peers `ADDRESS:PORT` of the other members
 * @throws LabError as `Host.run`, LAB_NO_SUDO
 */
export async function readFacts(host: Host, peers: readonly string[]): Promise<MachineFacts> {
  const args = [recordFile, unitName, machinePaths.data, Object.keys(neededTools).join(' '), peers.join(' ')];
  const { exitCode, stdout, stderr } = await host.run('sh', ['-c', script, 'etcdlab', ...args], {
    as: 'root',
    readOnly: true,
    timeoutMs: 60_000,
  });
  if (exitCode !== 0 || !stdout.includes('\nClock=')) {
    throw new LabError(
      'LAB_HOST_FACTS',
      `${host.name} cannot be looked at: ${stderr.trim() || `exit code ${exitCode}`}`,
    );
  }
  // Asked for by itself: what came before took its time.
  const asked = Date.now();
  const clock = await host.clock();
  const errorMs = (Date.now() - asked) / 2;
  return { ...parseFacts(stdout), clockAheadMs: clock.getTime() - (asked + errorMs), clockErrorMs: errorMs };
}

const architectures: Readonly<Record<string, Architecture>> = {
  x86_64: 'x64',
  amd64: 'x64',
  aarch64: 'arm64',
  arm64: 'arm64',
};

/** @param text what the script wrote */
export function parseFacts(text: string): Omit<MachineFacts, 'clockAheadMs' | 'clockErrorMs'> {
  const lines = text.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  const all = (key: string) => lines.filter(([name]) => name === key).map(([, value]) => value as string);
  const one = (key: string) => all(key)[0] ?? '';
  const [blocks = 0, blockBytes = 0] = one('FreeDiskBlocks').split(' ').map(Number);
  const record = one('Record');
  return {
    architecture: architectures[one('Machine')],
    machine: one('Machine'),
    system: one('System'),
    systemdVersion: Number(one('Systemd')),
    memoryMiB: Math.floor(Number(one('MemoryKiB')) / 1024),
    freeDiskMiB: Math.floor((blocks * blockBytes) / 1024 / 1024),
    syncMs: one('SyncNs') === '' ? undefined : Number(one('SyncNs')) / 1e6,
    addresses: one('Addresses')
      .split(' ')
      .filter((address) => /^[0-9.]+$/.test(address)),
    missingTools: all('Missing'),
    hasLibatomic: one('HasLibatomic') === 'yes',
    listeners: all('Listener').map(parseListener),
    memberPid: Number(one('MemberPid')),
    unitFile: one('UnitFile'),
    unitState: one('UnitState'),
    record: record === '' ? undefined : parseRecord(record),
    hasData: one('HasData') === 'yes',
    silentPeers: all('Silent'),
    isCut: one('IsCut') === 'yes',
  };
}

/** @param text `10.0.0.1:22 users:(("sshd",pid=17,fd=3))` */
function parseListener(text: string): Listener {
  const [local = '', users = ''] = text.split(' ');
  const at = local.lastIndexOf(':');
  const [, name, pid] = /\("([^"]*)",pid=([0-9]+)/.exec(users) ?? [];
  return {
    address: local.slice(0, at).replace(/%.*$/, ''),
    port: Number(local.slice(at + 1)),
    process: name === undefined ? '' : `${name} (pid ${pid})`,
    ...(pid !== undefined && { pid: Number(pid) }),
  };
}
