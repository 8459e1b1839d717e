/** One session of SFTP (draft-ietf-secsh-filexfer-02, and OpenSSH's extensions): its requests, each with a deadline. */
import type { Attributes, FileEntryWithStats, SFTPWrapper, Stats } from 'ssh2';

/** Status codes of answers; the names are those of the draft. */
export const SftpStatus = { noSuchFile: 2, permissionDenied: 3, failure: 4, unsupported: 8 } as const;

const answerTimeoutMs = 60_000;

type Answer<T> = (error: Error | undefined | null, value: T) => void;

export class SftpSession {
  /** Whether the session cannot be used any more. */
  isOver = false;
  private readonly sftp: SFTPWrapper;
  /** Ends what waits for an answer. */
  private readonly waiting = new Set<(error: Error) => void>();

  constructor(sftp: SFTPWrapper) {
    this.sftp = sftp;
    const over = () => this.over(new Error('the connection was lost'));
    sftp.on('close', over).on('end', over).on('error', over);
  }

  open(path: string, flags: 'wx' | 'r' | 'r+', attributes: Attributes | Record<string, never> = {}): Promise<Buffer> {
    return this.ask((answer) => this.sftp.open(path, flags, attributes as Attributes, answer));
  }

  write(handle: Buffer, chunk: Buffer, offset: number): Promise<void> {
    return this.ask((answer: Answer<void>) =>
      this.sftp.write(handle, chunk, 0, chunk.length, offset, (error) => answer(error, undefined)),
    );
  }

  /** @returns what the server gives at once, which may be less; nothing at the end of the file */
  read(handle: Buffer, offset: number, sizeBytes: number): Promise<Buffer> {
    const target = Buffer.allocUnsafe(sizeBytes);
    return this.ask((answer: Answer<Buffer>) =>
      this.sftp.read(handle, target, 0, sizeBytes, offset, (error, count) => {
        const isEnd = (error as { code?: number } | undefined)?.code === 1;
        answer(isEnd ? undefined : error, target.subarray(0, isEnd ? 0 : count));
      }),
    );
  }

  /** Makes a file durable, where the server can (fsync@openssh.com). */
  async sync(handle: Buffer): Promise<void> {
    await this.ask((answer) => this.sftp.ext_openssh_fsync(handle, answer)).catch(ignoreUnsupported);
  }

  closeFile(handle: Buffer): Promise<void> {
    return this.ask((answer: Answer<void>) => this.sftp.close(handle, (error) => answer(error, undefined)));
  }

  stat(path: string): Promise<Stats> {
    return this.ask((answer) => this.sftp.stat(path, answer));
  }

  list(path: string): Promise<FileEntryWithStats[]> {
    return this.ask((answer) => this.sftp.readdir(path, answer));
  }

  makeDirectory(path: string): Promise<void> {
    return this.ask((answer: Answer<void>) =>
      this.sftp.mkdir(path, { mode: 0o700 } as never, (error) => answer(error, undefined)),
    );
  }

  remove(path: string): Promise<void> {
    return this.ask((answer: Answer<void>) => this.sftp.unlink(path, (error) => answer(error, undefined)));
  }

  removeDirectory(path: string): Promise<void> {
    return this.ask((answer: Answer<void>) => this.sftp.rmdir(path, (error) => answer(error, undefined)));
  }

  /** Fails if `to` is there. */
  rename(from: string, to: string): Promise<void> {
    return this.ask((answer: Answer<void>) => this.sftp.rename(from, to, (error) => answer(error, undefined)));
  }

  /** Takes the place of `to` in one step, where the server can (posix-rename@openssh.com); otherwise in two. */
  async replace(from: string, to: string): Promise<void> {
    try {
      await this.ask((answer: Answer<void>) =>
        this.sftp.ext_openssh_rename(from, to, (error) => answer(error, undefined)),
      );
    } catch (error) {
      ignoreUnsupported(error);
      await this.remove(to).catch((problem: unknown) => {
        if ((problem as { code?: number }).code !== SftpStatus.noSuchFile) throw problem;
      });
      await this.rename(from, to);
    }
  }

  /** @returns how many bytes are free, where the server can tell (statvfs@openssh.com) */
  async freeBytes(path: string): Promise<number | undefined> {
    try {
      const about = await this.ask((answer: Answer<{ f_frsize: number | bigint; f_bavail: number | bigint }>) =>
        this.sftp.ext_openssh_statvfs(path, answer),
      );
      return Number(about.f_frsize) * Number(about.f_bavail);
    } catch {
      return undefined;
    }
  }

  end(): void {
    this.over(new Error('the session was ended'));
    this.sftp.end();
  }

  private over(error: Error): void {
    this.isOver = true;
    for (const fail of [...this.waiting]) fail(error);
  }

  private ask<T>(send: (answer: Answer<T>) => unknown): Promise<T> {
    if (this.isOver) return Promise.reject(new Error('the connection was lost'));
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => {
        clearTimeout(timer);
        this.waiting.delete(fail);
        reject(error);
      };
      // What answers late would answer the wrong question.
      const silence = () => this.over(new Error(`no answer within ${answerTimeoutMs / 1000} s`));
      const timer = setTimeout(silence, answerTimeoutMs);
      this.waiting.add(fail);
      try {
        send((error, value) => {
          if (error) return fail(error);
          clearTimeout(timer);
          this.waiting.delete(fail);
          resolve(value);
        });
      } catch (error) {
        fail(error as Error);
      }
    });
  }
}

function ignoreUnsupported(error: unknown): void {
  const { code, message } = error as { code?: number; message: string };
  // The library throws without a code when the server has not offered an extension.
  if (code === SftpStatus.unsupported || /does not support/.test(message)) return;
  throw error;
}
