/** One finding of a verification. */
import { type Failure, isFailure } from './evidence.ts';

export interface Check {
  /** Stable name for programs, such as `hash-kv`. */
  name: string;
  /** The member that was checked; undefined for a check of all members together. */
  member?: string;
  passed: boolean;
  /** What had to be true. */
  expected: string;
  /** What was seen. */
  observed: string;
}

/**
 * Judges what one member shows. A reading that failed or is missing is a failed check, never a skipped one.
 *
 * @param reading undefined when nothing was read
 */
export function judgeReading<T>(
  about: Pick<Check, 'name' | 'expected'> & { member: string },
  reading: T | Failure | undefined,
  judge: (value: T) => { passed: boolean; observed: string },
): Check {
  if (reading === undefined) return { ...about, passed: false, observed: 'nothing was read' };
  return { ...about, ...(isFailure(reading) ? { passed: false, observed: reading.failure } : judge(reading)) };
}
