/** What goes wrong with a store, in the codes that `object-store.ts` promises. */
import { setTimeout as delay } from 'node:timers/promises';
import { interrupted, LabError, messageOf, throwIfInterrupted } from '../../../toolkit/errors.ts';

/** The same attempt may succeed a moment later. */
export class TransientError extends Error {
  /** What is thrown when it did not. */
  readonly final: LabError;

  constructor(final: LabError) {
    super(final.message);
    this.final = final;
  }
}

export function unreachable(location: string, cause: unknown, advice?: string): LabError {
  return new LabError('LAB_STORE_UNREACHABLE', `${location} cannot be reached: ${messageOf(cause)}`, {
    advice: advice ?? 'nothing half is left there; run the same command again when it can be reached',
    cause,
  });
}

export function isMissing(location: string, name: string): LabError {
  return new LabError('LAB_STORE_OBJECT', `${location} has no ${name}`, { advice: 'etcdlab backup list' });
}

export function isThereAlready(location: string, name: string): LabError {
  return new LabError('LAB_STORE_OBJECT', `${name} is in ${location} already, and is not replaced`, {
    advice: 'etcdlab backup list',
  });
}

export function isAnother(location: string, name: string, what: string): LabError {
  return new LabError('LAB_STORE_OBJECT', `${name} in ${location} is not what was stored: ${what}`, {
    advice: 'it is damaged: use another backup',
  });
}

export function isTooLarge(location: string, name: string, maxBytes: number): LabError {
  return new LabError('LAB_STORE_OBJECT', `${name} in ${location} has more than ${maxBytes} bytes`);
}

/** @param where what has no room: the store, or a folder of this machine */
export function isFull(where: string, cause: unknown): LabError {
  return new LabError('LAB_STORE_FULL', `${where} has no room left`, {
    advice: 'make room there (etcdlab backup prune shows what may go), then run the same command again',
    cause,
  });
}

/** @returns the error of a file system as one of a store @param file of this machine */
export function localError(error: unknown, file: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return isFull(file, error);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new LabError('LAB_STORE_ACCESS', `${file}: ${messageOf(error)}`, {
      advice: 'correct who may write there',
      cause: error,
    });
  }
  return error;
}

const maxTries = 4;
const firstPauseMs = 200;

/**
 * Does something up to four times, with pauses that grow, as long as it fails in a way that may pass.
 *
 * @throws what the last try threw; LabError LAB_INTERRUPTED
 */
export async function persistently<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    throwIfInterrupted(signal);
    try {
      return await attempt();
    } catch (error) {
      throwIfInterrupted(signal);
      if (!(error instanceof TransientError)) throw error;
      if (tries === maxTries) throw error.final;
    }
    await delay(firstPauseMs * 2 ** (tries - 1), undefined, { signal }).catch(() => {
      throw interrupted();
    });
  }
}
