/** Hashes passwords on threads of their own: a hash takes longer than a heartbeat may be late. */
import { availableParallelism } from 'node:os';
import { getAsset, isSea } from 'node:sea';
import { Worker } from 'node:worker_threads';
import { errPasswordTooLong, errStopped, errTooManyRequests } from '../errors/etcd-error.ts';
import { maxPasswordBytes } from './bcrypt.ts';
import type { BcryptAnswer, BcryptJob } from './bcrypt-worker.ts';

export interface PasswordHasher {
  /**
   * @returns the bcrypt hash
   * @throws EtcdError when the password is too long, or too many wait already
   */
  hash(password: string): Promise<string>;
  /** @throws EtcdError ResourceExhausted when too many wait already */
  isMatch(password: string, hash: string): Promise<boolean>;
  close(): Promise<void>;
}

export interface BcryptPoolOptions {
  /** The binary logarithm of the number of rounds. */
  readonly cost: number;
  /** Hashes at a time; all processors but one unless given, and four at most. */
  readonly threads?: number;
  /** Passwords that may wait for a thread; 256 unless given: half a minute of logins. */
  readonly maxWaiting?: number;
  /** Starts a thread that runs `bcrypt-worker.ts`, or throws; for tests. */
  readonly startThread?: () => Worker;
}

interface Waiting {
  readonly job: BcryptJob;
  readonly resolve: (result: string | boolean) => void;
  readonly reject: (error: Error) => void;
}

/** The name of the thread's program among the assets of the executable; `scripts/build.ts` puts it there. */
const workerAsset = 'bcrypt-worker.cjs';

/** Starts a thread when there is a password for it, and keeps it. */
export class BcryptPool implements PasswordHasher {
  private readonly cost: number;
  private readonly maxThreads: number;
  private readonly maxWaiting: number;
  private readonly startThread: () => Worker;
  private readonly waiting: Waiting[] = [];
  private readonly idle: Worker[] = [];
  private readonly busy = new Map<Worker, Waiting>();
  private closed = false;

  constructor({ cost, threads, maxWaiting = 256, startThread = startBcryptThread }: BcryptPoolOptions) {
    this.cost = cost;
    this.maxThreads = threads ?? Math.max(1, Math.min(4, availableParallelism() - 1));
    this.maxWaiting = maxWaiting;
    this.startThread = startThread;
  }

  async hash(password: string): Promise<string> {
    if (Buffer.byteLength(password) > maxPasswordBytes) throw errPasswordTooLong();
    return (await this.run({ kind: 'hash', password, cost: this.cost })) as string;
  }

  async isMatch(password: string, hash: string): Promise<boolean> {
    return (await this.run({ kind: 'compare', password, hash })) as boolean;
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const { reject } of [...this.waiting.splice(0), ...this.busy.values()]) reject(errStopped());
    const workers = [...this.idle.splice(0), ...this.busy.keys()];
    this.busy.clear();
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  private run(job: BcryptJob): Promise<string | boolean> {
    if (this.closed) return Promise.reject(errStopped());
    if (this.waiting.length >= this.maxWaiting) return Promise.reject(errTooManyRequests());
    return new Promise((resolve, reject) => {
      this.waiting.push({ job, resolve, reject });
      this.startNext();
    });
  }

  private startNext(): void {
    while (this.waiting.length > 0) {
      if (this.idle.length === 0 && this.busy.size >= this.maxThreads) return;
      const next = this.waiting.shift() as Waiting;
      try {
        const worker = this.idle.pop() ?? this.startWorker();
        this.busy.set(worker, next);
        worker.postMessage(next.job);
      } catch (error) {
        next.reject(failedThread(error));
      }
    }
  }

  private startWorker(): Worker {
    const worker = this.startThread();
    // A thread with nothing to do is no reason for the process to go on.
    worker.unref();
    worker.on('message', (answer: BcryptAnswer) => {
      const done = this.busy.get(worker);
      if (done === undefined) return;
      this.busy.delete(worker);
      this.idle.push(worker);
      if ('result' in answer) done.resolve(answer.result);
      else done.reject(new Error(`hashing a password failed: ${answer.problem}`));
      this.startNext();
    });
    // Without memory for it, say: its password fails, and the next one gets another thread.
    worker.on('error', (error) => {
      this.busy.get(worker)?.reject(failedThread(error));
      this.busy.delete(worker);
      const at = this.idle.indexOf(worker);
      if (at >= 0) this.idle.splice(at, 1);
      this.startNext();
    });
    return worker;
  }
}

function startBcryptThread(): Worker {
  return isSea()
    ? new Worker(getAsset(workerAsset, 'utf8'), { eval: true })
    : new Worker(new URL('./bcrypt-worker.ts', import.meta.url));
}

function failedThread(error: unknown): Error {
  return new Error(`the thread that hashes passwords failed: ${(error as Error).message}`, { cause: error });
}
