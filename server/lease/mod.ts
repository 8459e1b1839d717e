export { NotPrimaryError } from './errors.ts';
export { Lessor, type LessorObserver, type LessorOptions, maxTtlSeconds, type TimeToLive } from './lessor.ts';
