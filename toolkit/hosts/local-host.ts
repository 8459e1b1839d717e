/** Provider `local`: a "host" is a folder on this machine, and its service a background process. */
import { lstat, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { ExecaError, execa } from 'execa';
import { interrupted, LabError } from '../errors.ts';
import { copyFileAtomically, renameDurably, writeFileAtomically, writeFilesTogether } from './atomic-file.ts';
import type { Host, HostFile, RunOptions, RunResult } from './host.ts';
import { LocalService } from './local-service.ts';

/** What `getFile` reads at most, and what `run` keeps of each stream: more is a file to `download`. */
const maxContentBytes = 64 * 1024 * 1024;

export class LocalHost implements Host {
  readonly kind = 'local';
  readonly name: string;
  readonly service: LocalService;

  /** @param directory holds the service's log and process record; made when first needed */
  constructor(name: string, directory: string) {
    this.name = name;
    this.service = new LocalService(name, {
      definitionFile: join(directory, 'service.json'),
      processFile: join(directory, 'process.json'),
      logFile: join(directory, 'etcd.log'),
    });
  }

  async run(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const timeoutMs = options.timeoutMs ?? 60_000;
    try {
      const result = await execa(file, args, {
        ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
        ...(options.environment && { env: options.environment }),
        ...(options.workingDirectory !== undefined && { cwd: options.workingDirectory }),
        ...(options.signal && { cancelSignal: options.signal }),
        timeout: timeoutMs,
        maxBuffer: maxContentBytes,
        stripFinalNewline: false,
      });
      return { exitCode: 0, stdout: result.stdout, stderr: result.stderr, durationMs: result.durationMs };
    } catch (error) {
      if (!(error instanceof ExecaError)) throw error;
      return this.failedRun(file, error, timeoutMs);
    }
  }

  private failedRun(file: string, error: ExecaError, timeoutMs: number): RunResult {
    if (error.isCanceled) throw interrupted();
    if (error.timedOut) {
      throw new LabError('LAB_COMMAND_TIMEOUT', `${file} on ${this.name} took longer than ${timeoutMs} ms`, {
        details: lastLines(String(error.stderr ?? '')),
        cause: error,
      });
    }
    const exitCode = error.exitCode ?? (error.signal === undefined ? undefined : 128 + constants.signals[error.signal]);
    if (exitCode === undefined || error.isMaxBuffer) {
      throw new LabError('LAB_COMMAND_START', `${file} could not be run on ${this.name}: ${error.originalMessage}`, {
        cause: error,
      });
    }
    return {
      exitCode,
      stdout: String(error.stdout ?? ''),
      stderr: String(error.stderr ?? ''),
      durationMs: error.durationMs,
    };
  }

  putFile(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
    return writeFileAtomically(path, content, mode);
  }

  putFiles(files: readonly HostFile[]): Promise<void> {
    return writeFilesTogether(files.map((file) => ({ mode: 0o600, ...file })));
  }

  async getFile(path: string): Promise<Uint8Array | undefined> {
    try {
      const { size } = await stat(path);
      if (size > maxContentBytes) {
        throw new LabError('LAB_FILE_TOO_LARGE', `${path} on ${this.name} has ${size} bytes`, {
          advice: 'copy it with download instead of reading it into memory',
        });
      }
      return await readFile(path);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  upload(localPath: string, path: string, mode = 0o600): Promise<void> {
    return copyFileAtomically(localPath, path, mode);
  }

  download(path: string, localPath: string, mode = 0o600): Promise<void> {
    return copyFileAtomically(path, localPath, mode);
  }

  async exists(path: string): Promise<boolean> {
    try {
      await lstat(path);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  async list(path: string): Promise<string[]> {
    try {
      return (await readdir(path)).sort();
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  async makeDirectory(path: string, mode = 0o700): Promise<void> {
    await mkdir(path, { recursive: true, mode });
  }

  async rename(from: string, to: string): Promise<void> {
    // rename(2) would replace a file, and an empty directory, without a word.
    if (await this.exists(to)) {
      throw new LabError('LAB_FILE', `${from} on ${this.name} cannot be renamed: ${to} is already there`);
    }
    try {
      await renameDurably(from, to);
    } catch (cause) {
      throw new LabError('LAB_FILE', `${from} on ${this.name} cannot be renamed to ${to}`, { cause });
    }
  }

  async remove(path: string): Promise<void> {
    await rm(path, { recursive: true, force: true });
  }

  async cut(): Promise<void> {
    throw new LabError('LAB_NOT_SUPPORTED', `${this.name} cannot be cut off: local members share one network`, {
      advice: [`etcdlab stop ${this.name} takes it away altogether`, 'use provider: ssh or vagrant'],
    });
  }

  async heal(): Promise<void> {
    // It cannot have been cut.
  }

  async cutFrom(): Promise<string[]> {
    return [];
  }

  async clock(): Promise<Date> {
    return new Date();
  }

  async close(): Promise<void> {
    // Nothing is held open: the service is a process of its own, and files are closed by each operation.
  }
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function lastLines(text: string): string[] {
  return text.trimEnd().split('\n').slice(-10);
}
