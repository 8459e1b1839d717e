/** OpenSSH's own server for tests: an ordinary process on loopback that gives out files by SFTP, and nothing else. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { freePort } from './s3-server.ts';

const installed = '/usr/sbin/sshd';

/**
 * Where sshd is: ETCDLAB_SSHD, or where Debian installs it. Tests that need it are skipped, visibly, for whoever has not
 * got it; continuous integration must have it.
 *
 * @throws Error in continuous integration when it is not there
 */
export function findSshd(): string | undefined {
  const program = process.env.ETCDLAB_SSHD ?? installed;
  if (existsSync(program)) return program;
  if (process.env.CI) throw new Error('ETCDLAB_SSHD must name the executable of OpenSSH’s sshd');
  return undefined;
}

/**
 * Who runs it and logs in to it: as root, sshd wants an account of its own for its inner parts, which a machine without
 * the package has not.
 */
function account(): { name: string; uid: number; gid: number } {
  const { username, uid, gid } = os.userInfo();
  return uid === 0 ? { name: 'nobody', uid: 65_534, gid: 65_534 } : { name: username, uid, gid };
}

const startDeadlineMs = 20_000;

export class Sshd {
  readonly port: number;
  readonly user = account().name;
  /** Of a key that logs in. */
  readonly keyFile: string;
  /** As `ssh-keygen -lf` prints it. */
  readonly hostKey: string;
  private readonly process: ChildProcess;

  private constructor(process: ChildProcess, port: number, keyFile: string, hostKey: string) {
    this.process = process;
    this.port = port;
    this.keyFile = keyFile;
    this.hostKey = hostKey;
  }

  /** @param folder for its keys and configuration; within one of `scratchFolder` */
  static async start(program: string, folder: string): Promise<Sshd> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const file = (name: string) => path.join(folder, name);
    for (const name of ['host', 'user']) {
      if (!existsSync(file(name))) await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file(name)]);
    }
    const { stdout } = await execa('ssh-keygen', ['-lf', file('host.pub')]);
    const hostKey = stdout.split(' ')[1] as string;
    for (let tries = 1; ; tries++) {
      const port = await freePort();
      writeFileSync(file('config'), configuration(file, port));
      const { uid, gid } = account();
      for (const name of ['.', 'host', 'host.pub', 'user.pub', 'config']) chownSync(file(name), uid, gid);
      const child = spawn(program, ['-D', '-f', file('config')], { stdio: 'ignore', uid, gid });
      const server = new Sshd(child, port, file('user'), hostKey);
      if (await server.answers()) return server;
      await server.stop();
      // Somebody else may have taken the port in between.
      if (tries === 5) throw new Error(`${program} does not start`);
    }
  }

  /** A new folder that whoever logs in reaches and may write to. */
  static scratchFolder(): string {
    // TMPDIR may be closed to others.
    const parent = account().uid === os.userInfo().uid ? os.tmpdir() : '/tmp';
    const folder = mkdtempSync(path.join(parent, 'etcdlab-test-'));
    Sshd.giveFolder(folder);
    return folder;
  }

  /** Lets whoever logs in write to a folder. */
  static giveFolder(folder: string): void {
    const { uid, gid } = account();
    chownSync(folder, uid, gid);
  }

  private async answers(): Promise<boolean> {
    for (const end = Date.now() + startDeadlineMs; Date.now() < end && this.process.exitCode === null; ) {
      if (await greets(this.port)) return true;
      await delay(20);
    }
    return false;
  }

  /** Ends it and, unlike an orderly end, every session. */
  async stop(): Promise<void> {
    this.dropSessions();
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGKILL');
    await gone;
  }

  /** As a machine that dies: each session is a process below the server's. */
  dropSessions(): void {
    for (const pid of descendants(this.process.pid as number)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
  }
}

function configuration(file: (name: string) => string, port: number): string {
  return [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${file('host')}`,
    `AuthorizedKeysFile ${file('user.pub')}`,
    'PidFile none',
    'UsePAM yes',
    'UseDNS no',
    'StrictModes no',
    'PasswordAuthentication no',
    'Subsystem sftp internal-sftp',
    'ForceCommand internal-sftp',
    '',
  ].join('\n');
}

function descendants(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  const own = existsSync(file) ? readFileSync(file, 'utf8').split(' ').filter(Boolean).map(Number) : [];
  return own.flatMap((child) => [child, ...descendants(child)]);
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('data', () => resolve(true)).once('error', () => resolve(false));
    socket.once('close', () => resolve(false)).once('data', () => socket.destroy());
    socket.setTimeout(5000, () => socket.destroy());
  });
}
