/**
 * Providers `ssh` and `vagrant`: a machine with systemd behind SSH. One logs in as an ordinary user; what needs more
 * rights goes through sudo, which must not ask for a password. The member runs as a user of its own.
 */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { LabError } from '../../errors.ts';
import type { Host, HostFile, HostUser, RunOptions, RunResult } from '../host.ts';
import { type CommandContext, commandWords, quoteCommand } from './command-line.ts';
import { withCompressedFile } from './compressed-file.ts';
import { type ExecuteOptions, type ExecuteResult, type SshAddress, SshConnection } from './connection.ts';
import {
  getFileScript,
  listScript,
  makeDirectoryScript,
  putExitCodes,
  putFileScript,
  putFilesScript,
  renameScript,
} from './file-scripts.ts';
import type { KnownHosts } from './host-keys.ts';
import { cutRules, parseCutRules, tableName } from './packet-filter.ts';
import { SystemdService } from './systemd-service.ts';

/** What the user and the group are called that members run as. */
export const memberUser = 'etcd';

const maxContentBytes = 64 * 1024 * 1024;
const fileTimeoutMs = 60_000;
const transferTimeoutMs = 600_000;
/** The host ends a command by itself; this is for a host, or a connection, that does nothing any more. */
const graceMs = 10_000;
/** Exit codes of coreutils' timeout(1). */
const exitCodes = { timedOut: 124, killed: 137, cannotInvoke: 126, notFound: 127 } as const;

export class SshHost implements Host {
  readonly name: string;
  readonly kind: 'ssh' | 'vagrant';
  readonly service: SystemdService;
  readonly address: SshAddress;
  readonly knownHosts: KnownHosts;
  private readonly connection: SshConnection;

  constructor(name: string, kind: 'ssh' | 'vagrant', address: SshAddress, knownHosts: KnownHosts) {
    this.name = name;
    this.kind = kind;
    this.address = address;
    this.knownHosts = knownHosts;
    this.connection = new SshConnection(name, address, knownHosts);
    this.service = new SystemdService(this);
  }

  async run(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const timeoutMs = options.timeoutMs ?? 60_000;
    const startedAt = performance.now();
    const { exitCode, stdout, stderr } = await this.execute(file, args, {
      as: options.as ?? 'member',
      timeoutMs,
      input: options.input,
      signal: options.signal,
      environment: options.environment,
      workingDirectory: options.workingDirectory,
    });
    const durationMs = performance.now() - startedAt;
    const cannotStart = exitCode === exitCodes.cannotInvoke || exitCode === exitCodes.notFound;
    if (cannotStart && stderr.startsWith('timeout: ')) {
      throw new LabError('LAB_COMMAND_START', `${file} could not be run on ${this.name}: ${stderr.trim()}`);
    }
    const wasEnded = exitCode === exitCodes.timedOut || exitCode === exitCodes.killed;
    if (wasEnded && durationMs >= timeoutMs) {
      throw new LabError('LAB_COMMAND_TIMEOUT', `${file} on ${this.name} took longer than ${timeoutMs} ms`, {
        details: stderr.trimEnd().split('\n').slice(-10),
      });
    }
    return { exitCode, stdout: stdout.toString('utf8'), stderr, durationMs };
  }

  /**
   * Hands on a command's output line by line, until it ends or the signal fires.
   * @throws LabError as `run`, but for a time-out
   */
  async *lines(file: string, args: readonly string[], as: HostUser, signal: AbortSignal): AsyncIterable<string> {
    const stream = new TransformStream<Uint8Array, Uint8Array>(undefined, { highWaterMark: 64 });
    const writer = stream.writable.getWriter();
    const words = commandWords(file, args, this.context(as, undefined));
    const ended = this.connection
      .execute(quoteCommand(words), { timeoutMs: 2 ** 31 - 1, signal, onStdout: (chunk) => writer.write(chunk) })
      .then(
        () => writer.close(),
        (error: unknown) => (signal.aborted ? writer.close() : writer.abort(error)),
      );
    let rest = '';
    for await (const text of stream.readable.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string>)) {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      yield* parts;
    }
    if (rest !== '') yield rest;
    await ended;
  }

  private context(as: HostUser, timeoutMs: number | undefined) {
    const loginUser = this.address.user;
    const user = as === 'member' ? memberUser : as === 'root' ? 'root' : loginUser;
    return { loginUser, user, timeoutMs };
  }

  private async execute(
    file: string,
    args: readonly string[],
    options: ExecuteOptions & Pick<CommandContext, 'environment' | 'workingDirectory'> & { as: HostUser },
  ): Promise<ExecuteResult> {
    const { environment, workingDirectory, timeoutMs, as } = options;
    const context = { ...this.context(as, timeoutMs), environment, workingDirectory };
    const result = await this.connection.execute(quoteCommand(commandWords(file, args, context)), {
      ...options,
      timeoutMs: timeoutMs + graceMs,
    });
    if (/^sudo: (a password is required|.*may not run sudo|.*is not in the sudoers)/m.test(result.stderr)) {
      throw this.noSudo(result.stderr);
    }
    // sudo remarks on a host name that it cannot resolve; the command has not said it.
    return { ...result, stderr: result.stderr.replace(/^sudo: unable to resolve host .*\r?\n/gm, '') };
  }

  private noSudo(stderr: string): LabError {
    const { user } = this.address;
    return new LabError('LAB_NO_SUDO', `${user} may not use sudo without a password on ${this.name}`, {
      details: stderr.trim().split('\n').slice(0, 3),
      advice: `as root on ${this.name}: echo '${user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/${user}`,
    });
  }

  /** Runs one of the fixed scripts as root. */
  private async script(
    text: string,
    args: readonly string[],
    what: string,
    options: Partial<ExecuteOptions> = {},
  ): Promise<ExecuteResult> {
    const result = await this.tryScript(text, args, options);
    if (result.exitCode === 0) return result;
    throw this.scriptError(what, result);
  }

  private tryScript(text: string, args: readonly string[], options: Partial<ExecuteOptions>): Promise<ExecuteResult> {
    return this.execute('sh', ['-c', text, 'etcdlab', ...args], { timeoutMs: fileTimeoutMs, ...options, as: 'root' });
  }

  private scriptError(what: string, { exitCode, stderr }: ExecuteResult): LabError {
    const reason = stderr.trim().split('\n').at(-1) || `exit code ${exitCode}`;
    return new LabError('LAB_FILE', `${what} on ${this.name}: ${reason}`, {
      advice: `etcdlab exec ${this.name} -- df -h`,
    });
  }

  private owner(user: HostUser): string {
    return user === 'member' ? `${memberUser}:${memberUser}` : user === 'root' ? 'root:root' : this.address.user;
  }

  async putFile(path: string, content: string | Uint8Array, mode = 0o600, owner: HostUser = 'member'): Promise<void> {
    const bytes = Buffer.from(content);
    const args = [path, mode.toString(8), this.owner(owner), String(bytes.length), sha256(bytes)];
    await this.put(putFileScript, path, args, owner, () => ({ input: bytes }));
  }

  async putFiles(files: readonly HostFile[]): Promise<void> {
    const contents = files.map(({ content }) => Buffer.from(content));
    const args = files.flatMap(({ path, mode = 0o600 }, i) => {
      const bytes = contents[i] as Buffer;
      return [path, mode.toString(8), this.owner('member'), String(bytes.length), sha256(bytes)];
    });
    const input = Buffer.concat(contents);
    await this.put(putFilesScript, files[0]?.path ?? '', args, 'member', () => ({ input }));
  }

  async getFile(path: string): Promise<Uint8Array | undefined> {
    const args = [path, String(maxContentBytes)];
    const { stdout } = await this.script(getFileScript, args, `${path} cannot be read`);
    const end = stdout.indexOf('\n');
    const size = stdout.toString('utf8', 0, end);
    if (size === 'none') return undefined;
    if (Number(size) > maxContentBytes) {
      throw new LabError('LAB_FILE_TOO_LARGE', `${path} on ${this.name} has ${size} bytes`, {
        advice: 'copy it with download instead of reading it into memory',
      });
    }
    return stdout.subarray(end + 1);
  }

  async upload(
    localPath: string,
    path: string,
    mode = 0o600,
    owner: HostUser = 'member',
    signal?: AbortSignal,
  ): Promise<void> {
    await withCompressedFile(localPath, async ({ chunks, sizeBytes, sha256 }) => {
      const args = [path, mode.toString(8), this.owner(owner), String(sizeBytes), sha256, 'gzip'];
      const options = () => ({ input: Readable.from(chunks), timeoutMs: transferTimeoutMs, signal });
      await this.put(putFileScript, path, args, owner, options);
    });
  }

  /** @param options made anew for each try: a stream can be read only once */
  private async put(
    script: string,
    path: string,
    args: readonly string[],
    owner: HostUser,
    options: () => Partial<ExecuteOptions>,
  ): Promise<void> {
    const what = `${path} cannot be written`;
    const first = await this.tryScript(script, args, options());
    if (first.exitCode === 0) return;
    if (first.exitCode !== putExitCodes.noDirectory) throw this.scriptError(what, first);
    await this.makeDirectory(dirname(path), 0o700, owner);
    await this.script(script, args, what, options());
  }

  async download(path: string, localPath: string, mode = 0o600): Promise<void> {
    const temporary = `${localPath}.${process.pid}.download`;
    await mkdir(dirname(localPath), { recursive: true, mode: 0o700 });
    try {
      const output = createWriteStream(temporary, { mode: 0o600, flush: true });
      const { exitCode, stderr } = await this.execute('cat', ['--', path], {
        as: 'root',
        timeoutMs: transferTimeoutMs,
        onStdout: (chunk) =>
          output.write(chunk) ? undefined : new Promise((resolve) => output.once('drain', resolve)),
      });
      output.end();
      await finished(output);
      if (exitCode !== 0) {
        throw new LabError('LAB_FILE', `${path} on ${this.name} cannot be read: ${stderr.trim()}`);
      }
      await chmod(temporary, mode);
      await rename(temporary, localPath);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async exists(path: string): Promise<boolean> {
    const { exitCode } = await this.execute('find', [path, '-maxdepth', '0'], { as: 'root', timeoutMs: fileTimeoutMs });
    return exitCode === 0;
  }

  async list(path: string): Promise<string[]> {
    const { stdout } = await this.script(listScript, [path], `${path} cannot be listed`);
    return stdout.toString('utf8').split('\0').slice(0, -1).sort();
  }

  async makeDirectory(path: string, mode = 0o700, owner: HostUser = 'member'): Promise<void> {
    const args = [mode.toString(8), this.owner(owner), path];
    await this.script(makeDirectoryScript, args, `${path} cannot be made`);
  }

  async rename(from: string, to: string): Promise<void> {
    const { exitCode, stderr } = await this.execute('sh', ['-c', renameScript, 'etcdlab', from, to], {
      as: 'root',
      timeoutMs: fileTimeoutMs,
    });
    if (exitCode === 0) return;
    const known: Readonly<Record<number, string>> = { 66: `${to} is already there`, 67: 'it is not there' };
    const reason = known[exitCode] ?? stderr.trim();
    throw new LabError('LAB_FILE', `${from} on ${this.name} cannot be renamed to ${to}: ${reason}`);
  }

  async remove(path: string): Promise<void> {
    const { exitCode, stderr } = await this.execute('rm', ['-rf', '--one-file-system', '--', path], {
      as: 'root',
      timeoutMs: fileTimeoutMs,
    });
    if (exitCode !== 0) throw new LabError('LAB_FILE', `${path} on ${this.name} cannot be removed: ${stderr.trim()}`);
  }

  async cut(addresses: readonly string[]): Promise<void> {
    await this.filter(['-f', '-'], cutRules(addresses));
  }

  async heal(): Promise<void> {
    if ((await this.cutFrom()).length > 0) await this.filter(['delete', 'table', 'inet', tableName]);
  }

  async cutFrom(): Promise<string[]> {
    const { exitCode, stdout } = await this.execute('nft', ['list', 'table', 'inet', tableName], {
      as: 'root',
      timeoutMs: fileTimeoutMs,
    });
    return exitCode === 0 ? parseCutRules(stdout.toString('utf8')) : [];
  }

  private async filter(args: readonly string[], input?: string): Promise<void> {
    const { exitCode, stderr } = await this.execute('nft', args, { as: 'root', timeoutMs: fileTimeoutMs, input });
    if (exitCode === 0) return;
    throw new LabError('LAB_NOT_SUPPORTED', `the network of ${this.name} cannot be cut: ${stderr.trim()}`, {
      advice: `install nftables on ${this.name}`,
    });
  }

  async clock(): Promise<Date> {
    const { stdout } = await this.execute('date', ['+%s.%N'], { as: 'login', timeoutMs: fileTimeoutMs });
    return new Date(Number(stdout.toString('utf8')) * 1000);
  }

  close(): Promise<void> {
    return this.connection.close();
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
