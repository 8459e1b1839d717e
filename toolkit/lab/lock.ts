/**
 * One command at a time works on a lab.
 *
 * The lock is the file `lock.N` with the highest N, naming its owner. To take it over, from an owner who released it
 * or who is dead, one makes `lock.N+1`; making a file is atomic, so of two who try, one wins. A file is removed only
 * after a higher one exists: unlike removing and re-making a single file, no late-comer can remove a lock it has not
 * looked at.
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../errors.ts';
import { inspectProcess, ownIdentity, type ProcessIdentity } from '../hosts/process-identity.ts';

interface Owner extends ProcessIdentity {
  /** The command line's verb, for the message to whoever finds the lab locked. */
  readonly command: string;
  readonly since: string;
  readonly released: boolean;
}

const filePattern = /^lock\.([1-9][0-9]*)$/;
/** Each turn that does not end in success or refusal is one in which somebody else made progress. */
const maxTurns = 100;

export class LabLock {
  private readonly directory: string;
  private readonly generation: number;
  private readonly owner: Owner;

  private constructor(directory: string, generation: number, owner: Owner) {
    this.directory = directory;
    this.generation = generation;
    this.owner = owner;
  }

  /**
   * @param directory the lab's folder; made if it is not there
   * @param command what it is taken for
   * @throws LabError LAB_LOCKED, naming the command and process that holds it
   */
  static async acquire(directory: string, command: string): Promise<LabLock> {
    const owner: Owner = { ...ownIdentity(), command, since: new Date().toISOString(), released: false };
    for (let turn = 0; turn < maxTurns; turn++) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const highest = Math.max(0, ...(await generations(directory)));
      if (highest > 0) refuseIfHeld(directory, await readOwner(directory, highest), command);
      const mine = highest + 1;
      if (!(await createExclusively(directory, mine, owner))) continue;
      // Whoever came late, with a generation that was passed meanwhile or that follows one of a lab that has since been
      // removed and made anew, notices it here.
      const now = await generations(directory);
      const lock = new LabLock(directory, mine, owner);
      if (Math.max(...now) === mine && (highest === 0 || now.includes(highest))) {
        await Promise.all(now.filter((other) => other < mine).map((other) => rm(fileOf(directory, other))));
        return lock;
      }
      await rm(fileOf(directory, mine), { force: true });
    }
    throw new LabError('LAB_LOCKED', `the lock of ${directory} changes hands all the time`, { advice: 'try again' });
  }

  /** Lets others in. No error if the lab was removed meanwhile. */
  async release(): Promise<void> {
    const temporary = join(this.directory, `.lock-${randomUUID()}`);
    try {
      await writeFile(temporary, JSON.stringify({ ...this.owner, released: true }), { mode: 0o600 });
      await rename(temporary, fileOf(this.directory, this.generation));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

/** @returns whether the name is the lock's own, and so no content of the lab */
export function isLockFile(name: string): boolean {
  return filePattern.test(name) || name.startsWith('.lock-');
}

function fileOf(directory: string, generation: number): string {
  return join(directory, `lock.${generation}`);
}

async function generations(directory: string): Promise<number[]> {
  const names = await readdir(directory).catch(() => []);
  return names.flatMap((name) => filePattern.exec(name)?.[1] ?? []).map(Number);
}

/** @returns the owner, or undefined if the file is gone or was cut by a power failure */
async function readOwner(directory: string, generation: number): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(fileOf(directory, generation), 'utf8')) as Owner;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** It runs until somebody ends it: whoever starts a second one would wait for ever. */
const endlessCommand = 'backup run';

function refuseIfHeld(directory: string, owner: Owner | undefined, command: string): void {
  if (owner === undefined || owner.released || inspectProcess(owner) === undefined) return;
  const isSecond = owner.command === endlessCommand && command === endlessCommand;
  throw new LabError(
    'LAB_LOCKED',
    `'etcdlab ${owner.command}' (pid ${owner.pid}) has been working on ${directory} since ${owner.since}`,
    { advice: isSecond ? 'end it there: it runs until it is ended' : 'wait until it is done' },
  );
}

/** A link gives the file its content and its name in one step: nobody can read a half-written owner. */
async function createExclusively(directory: string, generation: number, owner: Owner): Promise<boolean> {
  // A name of its own for each attempt: the link shares the content with whatever is written under this name.
  const temporary = join(directory, `.lock-${randomUUID()}`);
  try {
    await writeFile(temporary, JSON.stringify(owner), { mode: 0o600 });
    await link(temporary, fileOf(directory, generation));
    return true;
  } catch (error) {
    if (['EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}
