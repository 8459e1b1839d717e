/**
 * Which process, and not only which pid: pids are reused, and a signal to a recycled one would end a stranger. A
 * process is named by its pid and the moment it started.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; equal for the same process only. Linux: boot id and start tick. Elsewhere: what ps prints. */
  readonly startTime: string;
}

export interface LiveProcess {
  readonly startTime: string;
  /** Stopped by SIGSTOP. */
  readonly frozen: boolean;
}

interface Stat {
  readonly state: string;
  readonly startTicks: string;
}

/** @param stat content of /proc/PID/stat. The name, in parentheses, may itself hold spaces and parentheses. */
export function parseProcStat(stat: string): Stat | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  // Field 22 of the whole line, the 20th after the name (proc(5)).
  const startTicks = fields[19];
  return state && startTicks ? { state, startTicks } : undefined;
}

function inspectLinux(pid: number): LiveProcess | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  const stat = parseProcStat(text);
  // Z and X are processes that have ended and wait for their parent to notice.
  if (stat === undefined || 'ZXx'.includes(stat.state)) return undefined;
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return { startTime: `${boot}/${stat.startTicks}`, frozen: stat.state === 'T' };
}

function inspectWithPs(pid: number): LiveProcess | undefined {
  try {
    const options = { encoding: 'utf8', timeout: 5000, env: { ...process.env, LC_ALL: 'C' } } as const;
    const [state = '', ...start] = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], options)
      .trim()
      .split(/\s+/);
    if (state === '' || state.startsWith('Z')) return undefined;
    return { startTime: start.join(' '), frozen: state.startsWith('T') };
  } catch {
    return undefined;
  }
}

/** @returns the process of that pid, or undefined if there is none or it has ended */
export function inspectPid(pid: number): LiveProcess | undefined {
  return process.platform === 'linux' ? inspectLinux(pid) : inspectWithPs(pid);
}

/** @returns the very process, or undefined if it has ended, even if its pid now belongs to another */
export function inspectProcess(identity: ProcessIdentity): LiveProcess | undefined {
  const live = inspectPid(identity.pid);
  return live?.startTime === identity.startTime ? live : undefined;
}

/** @returns whether the signal was sent; false if the process has ended */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (inspectProcess(identity) === undefined) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** @returns the identity of this process */
export function ownIdentity(): ProcessIdentity {
  const live = inspectPid(process.pid);
  if (live === undefined) throw new Error('this process cannot be found in the process table');
  return { pid: process.pid, startTime: live.startTime };
}
