/**
 * A member as a background process of this machine: detached from the terminal and from this program, found again by
 * pid and start time, its output appended to a log file.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LabError } from '../errors.ts';
import { writeFileAtomically } from './atomic-file.ts';
import type { Service, ServiceDefinition, ServiceStatus, StopOptions } from './host.ts';
import { followLines, lastLines } from './log-file.ts';
import { inspectPid, inspectProcess, type ProcessIdentity, signalProcess } from './process-identity.ts';

interface ServiceFiles {
  readonly definitionFile: string;
  readonly processFile: string;
  readonly logFile: string;
}

/** What is written down about a started process. Removed by `stop`, kept by a crash. */
interface ProcessRecord extends ProcessIdentity {
  readonly startedAt: string;
  readonly revision: string;
}

/** A log that has grown beyond this is moved to NAME.1 at the next start. */
const maxLogSizeBytes = 32 * 1024 * 1024;
const pollMs = 15;
/** SIGKILL takes effect at once, except for a process in uninterruptible disk sleep. */
const killDeadlineMs = 10_000;

export class LocalService implements Service {
  private readonly name: string;
  private readonly files: ServiceFiles;

  constructor(name: string, files: ServiceFiles) {
    this.name = name;
    this.files = files;
  }

  async define(definition: ServiceDefinition): Promise<boolean> {
    const before = await readOptional(this.files.definitionFile);
    const after = `${JSON.stringify(definition, null, 2)}\n`;
    if (before === after) return false;
    await writeFileAtomically(this.files.definitionFile, after, 0o600);
    return true;
  }

  async start(): Promise<void> {
    const { state } = await this.status();
    if (state === 'running' || state === 'frozen') return;
    const text = await readOptional(this.files.definitionFile);
    if (text === undefined) {
      throw new LabError('LAB_SERVICE_UNDEFINED', `${this.name} has no service to start`, { advice: 'etcdlab up' });
    }
    await this.spawn(JSON.parse(text) as ServiceDefinition);
  }

  private async spawn(definition: ServiceDefinition): Promise<void> {
    await mkdir(dirname(this.files.logFile), { recursive: true, mode: 0o700 });
    const log = this.openLog();
    try {
      const child = spawn(definition.executable, definition.args, {
        cwd: dirname(this.files.logFile),
        env: { ...inheritedEnvironment(), ...definition.environment },
        // A session of its own: Ctrl-C in the terminal and the end of this program do not reach it.
        detached: true,
        stdio: ['ignore', log, log],
      });
      // Listens from the first turn: a failed spawn reports through an event, and an unheard one ends the program.
      const failure = new Promise<Error>((resolve) => child.once('error', resolve));
      if (child.pid === undefined) throw this.startError(definition, await failure);
      child.unref();
      const live = inspectPid(child.pid);
      if (live === undefined) throw this.startError(definition, new Error('it ended at once'));
      const record: ProcessRecord = {
        pid: child.pid,
        startTime: live.startTime,
        startedAt: new Date().toISOString(),
        revision: definition.revision,
      };
      this.remember(record);
    } finally {
      closeSync(log);
    }
  }

  /** In the same turn as the spawn, so that no interrupt can come between and leave a process nobody knows. */
  private remember(record: ProcessRecord): void {
    const temporary = `${this.files.processFile}.tmp`;
    writeFileSync(temporary, `${JSON.stringify(record)}\n`, { mode: 0o600 });
    renameSync(temporary, this.files.processFile);
  }

  private openLog(): number {
    try {
      if (statSync(this.files.logFile).size > maxLogSizeBytes) {
        renameSync(this.files.logFile, `${this.files.logFile}.1`);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    return openSync(this.files.logFile, 'a', 0o600);
  }

  private startError(definition: ServiceDefinition, cause: Error): LabError {
    return new LabError('LAB_SERVICE_START', `${definition.executable} could not be started for ${this.name}`, {
      advice: `etcdlab logs ${this.name}`,
      cause,
    });
  }

  async stop(options: StopOptions = {}): Promise<void> {
    const record = await this.record();
    if (record === undefined) return;
    if (signalProcess(record, 'SIGTERM')) {
      // A frozen process takes the signal only once it goes on.
      signalProcess(record, 'SIGCONT');
      if (!(await this.gone(record, options.graceMs ?? 15_000))) await this.end(record);
    }
    await rm(this.files.processFile, { force: true });
  }

  async kill(): Promise<void> {
    const record = await this.record();
    if (record !== undefined) await this.end(record);
  }

  private async end(record: ProcessRecord): Promise<void> {
    signalProcess(record, 'SIGKILL');
    if (await this.gone(record, killDeadlineMs)) return;
    throw new LabError('LAB_SERVICE_STOP', `${this.name} (pid ${record.pid}) is still there after SIGKILL`, {
      advice: 'it waits for a disk that does not answer: check the disk and the kernel log',
    });
  }

  private async gone(record: ProcessRecord, deadlineMs: number): Promise<boolean> {
    const end = performance.now() + deadlineMs;
    while (inspectProcess(record) !== undefined) {
      if (performance.now() > end) return false;
      await delay(pollMs);
    }
    return true;
  }

  async freeze(): Promise<void> {
    await this.signalAlive('SIGSTOP', 'frozen');
  }

  async thaw(): Promise<void> {
    await this.signalAlive('SIGCONT', 'running');
  }

  /** The kernel sets the state of the process a moment after the signal was sent. */
  private async signalAlive(signal: NodeJS.Signals, expected: 'frozen' | 'running'): Promise<void> {
    const record = await this.record();
    if (record === undefined || !signalProcess(record, signal)) {
      throw new LabError('LAB_SERVICE_NOT_RUNNING', `${this.name} is not running`, { advice: 'etcdlab up' });
    }
    const end = performance.now() + killDeadlineMs;
    while (performance.now() < end) {
      const live = inspectProcess(record);
      if (live === undefined || live.frozen === (expected === 'frozen')) return;
      await delay(pollMs);
    }
    throw new LabError('LAB_SERVICE_STOP', `${this.name} (pid ${record.pid}) did not obey ${signal}`);
  }

  async status(): Promise<ServiceStatus> {
    const record = await this.record();
    if (record === undefined) return { state: 'stopped' };
    const known = { startedAt: new Date(record.startedAt), revision: record.revision };
    const live = inspectProcess(record);
    if (live === undefined) return { state: 'exited', ...known };
    return { state: live.frozen ? 'frozen' : 'running', pid: record.pid, ...known };
  }

  logTail(lines: number): Promise<string[]> {
    return lastLines(this.files.logFile, lines);
  }

  followLog(lines: number, signal: AbortSignal): AsyncIterable<string> {
    return followLines(this.files.logFile, lines, signal);
  }

  private async record(): Promise<ProcessRecord | undefined> {
    const text = await readOptional(this.files.processFile);
    return text === undefined ? undefined : (JSON.parse(text) as ProcessRecord);
  }
}

/**
 * As under systemd, a service sees little of the environment it was started from: a stray ETCD_* variable would change
 * the member, or stop it, since etcd refuses a variable that a flag contradicts.
 */
function inheritedEnvironment(): Record<string, string> {
  const inherited: Record<string, string> = {};
  for (const name of ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR']) {
    const value = process.env[name];
    if (value !== undefined) inherited[name] = value;
  }
  return inherited;
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
