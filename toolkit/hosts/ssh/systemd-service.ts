/** A member as a systemd service of its machine. */
import { setTimeout as delay } from 'node:timers/promises';
import { LabError } from '../../errors.ts';
import type {
  HostUser,
  RunOptions,
  RunResult,
  Service,
  ServiceDefinition,
  ServiceStatus,
  StopOptions,
} from '../host.ts';
import { renderUnit, revisionVariable } from './systemd-unit.ts';

/** What a service needs of its machine. */
export interface ServiceHost {
  readonly name: string;
  run(file: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
  getFile(path: string): Promise<Uint8Array | undefined>;
  putFile(path: string, content: string, mode?: number, owner?: HostUser): Promise<void>;
  lines(file: string, args: readonly string[], as: HostUser, signal: AbortSignal): AsyncIterable<string>;
}

export const unitName = 'etcd.service';
export const unitFile = `/etc/systemd/system/${unitName}`;
/**
 * There while a member that was killed must stay down. Under /run: a reboot ends everything that was done to the
 * machine on purpose.
 */
export const stayDownFile = `/run/systemd/system/${unitName}.d/etcdlab-stay-down.conf`;

const pollMs = 50;
/** Until systemd has made the process; that it is ready is waited for by whoever asks the member. */
const startDeadlineMs = 20_000;
/** SIGKILL takes effect at once, except for a process in uninterruptible disk sleep. */
const killDeadlineMs = 10_000;

/**
 * What systemd knows, and of a process that is alive its kernel state and the revision it was started with:
 * UNIT VARIABLE.
 */
const statusScript = `set -eu
systemctl show "$1" -p LoadState -p ActiveState -p SubState -p MainPID
started=$(systemctl show "$1" -p ExecMainStartTimestamp --value)
[ -z "$started" ] || echo "Started=$(date -d "$started" +%s)"
pid=$(systemctl show "$1" -p MainPID --value)
if [ "\${pid:-0}" != 0 ] && [ -r "/proc/$pid/stat" ]; then
  echo "Process=$(sed 's/.*) //' "/proc/$pid/stat" | cut -c1)"
  tr '\\0' '\\n' < "/proc/$pid/environ" | sed -n "s/^$2=/Revision=/p" | head -n 1
fi`;

export class SystemdService implements Service {
  private readonly host: ServiceHost;

  constructor(host: ServiceHost) {
    this.host = host;
  }

  async define(definition: ServiceDefinition): Promise<boolean> {
    const text = await renderUnit(definition, 'etcd', '/var/lib/etcd');
    const before = await this.host.getFile(unitFile);
    if (before !== undefined && Buffer.from(before).toString('utf8') === text) return false;
    await this.host.putFile(unitFile, text, 0o644, 'root');
    await this.systemctl('daemon-reload');
    await this.systemctl('enable', '--quiet', unitName);
    return true;
  }

  async start(): Promise<void> {
    const status = await this.inspect();
    if (status.state === 'running' || status.state === 'frozen') return;
    if (!status.isDefined) {
      throw new LabError('LAB_SERVICE_UNDEFINED', `${this.host.name} has no service to start`, {
        advice: 'etcdlab up',
      });
    }
    await this.host.run('rm', ['-f', stayDownFile], { as: 'root' });
    await this.systemctl('daemon-reload');
    // Forgets how often it failed: whoever starts it has reason to believe that it will do better now.
    await this.systemctl('reset-failed', unitName).catch(() => undefined);
    await this.systemctl('start', '--no-block', unitName);
    const isUp = ({ state, subState }: Inspection) =>
      state === 'running' || state === 'frozen' || subState === 'failed' || subState === 'auto-restart';
    const after = await this.until(isUp, startDeadlineMs);
    if (after === undefined) {
      throw new LabError('LAB_SERVICE_START', `${unitName} on ${this.host.name} was not started`, {
        advice: `etcdlab exec ${this.host.name} -- systemctl status ${unitName}`,
      });
    }
  }

  async stop(options: StopOptions = {}): Promise<void> {
    const { state, subState } = await this.inspect();
    if (state === 'stopped') return;
    if (subState !== 'failed') {
      await this.systemctl('stop', '--no-block', unitName);
      // A frozen process takes the signal only once it goes on.
      if (state === 'frozen') await this.signal('CONT');
      const isGone = (now: Inspection) => now.state === 'stopped' || now.subState === 'failed';
      if ((await this.until(isGone, options.graceMs ?? 15_000)) === undefined) await this.end();
    }
    // One that had to be killed counts as failed; it was asked to stop, and has stopped.
    await this.systemctl('reset-failed', unitName).catch(() => undefined);
  }

  async kill(): Promise<void> {
    const { state } = await this.inspect();
    if (state === 'stopped') return;
    // systemd would start it again, which is right for a crash and wrong for a disaster that is being rehearsed.
    await this.host.putFile(stayDownFile, '[Service]\nRestart=no\n', 0o644, 'root');
    await this.systemctl('daemon-reload');
    await this.end();
  }

  private async end(): Promise<void> {
    await this.signal('KILL').catch(() => undefined);
    const isGone = ({ state, subState }: Inspection) =>
      state === 'stopped' || (state === 'exited' && subState !== 'auto-restart');
    if ((await this.until(isGone, killDeadlineMs)) !== undefined) return;
    throw new LabError('LAB_SERVICE_STOP', `the member of ${this.host.name} is still there after SIGKILL`, {
      advice: 'it waits for a disk that does not answer: check the disk and the kernel log',
    });
  }

  freeze(): Promise<void> {
    return this.signalAlive('STOP', 'frozen');
  }

  thaw(): Promise<void> {
    return this.signalAlive('CONT', 'running');
  }

  private async signalAlive(signal: 'STOP' | 'CONT', expected: 'frozen' | 'running'): Promise<void> {
    const { state } = await this.inspect();
    if (state !== 'running' && state !== 'frozen') {
      throw new LabError('LAB_SERVICE_NOT_RUNNING', `${this.host.name} is not running`, { advice: 'etcdlab up' });
    }
    await this.signal(signal);
    if ((await this.until((now) => now.state === expected, killDeadlineMs)) !== undefined) return;
    throw new LabError('LAB_SERVICE_STOP', `the member of ${this.host.name} did not obey SIG${signal}`);
  }

  async status(): Promise<ServiceStatus> {
    const { state, pid, startedAt, revision } = await this.inspect();
    if (state === 'stopped') return { state };
    return {
      state,
      ...(pid !== undefined && { pid }),
      ...(startedAt !== undefined && { startedAt }),
      ...(revision !== undefined && { revision }),
    };
  }

  async logTail(lines: number): Promise<string[]> {
    const args = ['-u', unitName, '-o', 'cat', '--no-pager', '-q', '-n', String(lines)];
    const { stdout } = await this.host.run('journalctl', args, { as: 'root', readOnly: true });
    return stdout === '' ? [] : stdout.replace(/\n$/, '').split('\n');
  }

  followLog(lines: number, signal: AbortSignal): AsyncIterable<string> {
    return this.host.lines(
      'journalctl',
      ['-u', unitName, '-o', 'cat', '-q', '-f', '-n', String(lines)],
      'root',
      signal,
    );
  }

  private async inspect(): Promise<Inspection> {
    const args = ['-c', statusScript, 'etcdlab', unitName, revisionVariable];
    const { exitCode, stdout, stderr } = await this.host.run('sh', args, { as: 'root', readOnly: true });
    if (exitCode !== 0) {
      throw new LabError('LAB_SERVICE_STATUS', `systemd on ${this.host.name} does not answer: ${stderr.trim()}`);
    }
    return parseInspection(stdout);
  }

  private async until(holds: (status: Inspection) => boolean, deadlineMs: number): Promise<Inspection | undefined> {
    const end = performance.now() + deadlineMs;
    for (;;) {
      const status = await this.inspect();
      if (holds(status)) return status;
      if (performance.now() > end) return undefined;
      await delay(pollMs);
    }
  }

  private signal(name: string): Promise<void> {
    return this.systemctl('kill', `--signal=SIG${name}`, unitName);
  }

  private async systemctl(...args: string[]): Promise<void> {
    const { exitCode, stderr } = await this.host.run('systemctl', args, { as: 'root' });
    if (exitCode === 0) return;
    const message = `systemctl ${args.join(' ')} on ${this.host.name} ended with ${exitCode}: ${stderr.trim()}`;
    throw new LabError('LAB_SERVICE_START', message, { advice: `etcdlab logs ${this.host.name}` });
  }
}

export interface Inspection extends ServiceStatus {
  /** systemd's own word, such as `running`, `start`, `auto-restart`, `dead`, `failed`. */
  readonly subState: string;
  /** Whether systemd has a unit file. */
  readonly isDefined: boolean;
}

/** @param text lines `NAME=VALUE` as the status script writes them */
export function parseInspection(text: string): Inspection {
  const fields = new Map(text.split('\n').map((line) => splitOnce(line, '=')));
  const pid = Number(fields.get('MainPID') ?? 0);
  const subState = fields.get('SubState') ?? '';
  const started = fields.get('Started');
  const revision = fields.get('Revision');
  const common = { subState, isDefined: fields.get('LoadState') === 'loaded' };
  const known = { ...common, ...(started !== undefined && { startedAt: new Date(Number(started) * 1000) }) };
  const processState = fields.get('Process');
  // Z: it has ended, and systemd is about to notice.
  if (pid > 0 && processState !== undefined && processState !== 'Z') {
    const state = processState === 'T' || processState === 't' ? 'frozen' : 'running';
    return { state, pid, ...known, ...(revision !== undefined && { revision }) };
  }
  const active = fields.get('ActiveState');
  // Between two tries it has ended by itself, whatever systemd plans.
  if (active === 'failed' || subState === 'auto-restart') return { state: 'exited', ...known };
  if (active === 'inactive' || active === undefined) return { state: 'stopped', ...common };
  // About to be made, or just gone: systemd will say within moments which.
  return { state: active === 'activating' ? 'stopped' : 'exited', ...known };
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
