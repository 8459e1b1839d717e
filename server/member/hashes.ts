/**
 * Hashes of this member's data, for clients, for other members and for its own checks. Each reads the whole database:
 * they are computed one after the other, beside everything else that the member does.
 */
import { OneAtATime } from '../base/one-at-a-time.ts';
import { errTooManyRequests } from '../errors/etcd-error.ts';
import type { HashKvResult } from '../mvcc/mod.ts';
import { StateMachine } from './state-machine.ts';

/** Who asks when so many wait already is told so: a hash takes about a second for a million keys. */
const maxWaiting = 8;

export interface DatabaseHash {
  readonly hash: number;
  /** The store's revision at the moment that the hash is of. */
  readonly currentRevision: number;
}

/** Gets the seconds that hashes took. */
export interface HashObserver {
  database?(seconds: number): void;
  keys?(seconds: number): void;
}

export type WithState = <T>(work: (state: StateMachine) => Promise<T>) => Promise<T>;

export class Hashes {
  private readonly withState: WithState;
  private readonly observe: HashObserver;
  private readonly turns = new OneAtATime(maxWaiting);

  /** @param withState does something with the state, or with the one that replaces it meanwhile */
  constructor(withState: WithState, observe: HashObserver = {}) {
    this.withState = withState;
    this.observe = observe;
  }

  /**
   * The hash by which members compare their keys.
   *
   * @param revision up to where; 0 for all
   * @throws EtcdError OutOfRange for a compacted or future revision; ResourceExhausted when too many wait already
   */
  kv(revision: number): Promise<HashKvResult> {
    const work = () => this.withState(({ store }) => store.hashKvInSlices(revision));
    return this.turns.run(() => timed(work, this.observe.keys), errTooManyRequests);
  }

  /** The hash of the whole database. @throws EtcdError ResourceExhausted when too many wait already */
  database(): Promise<DatabaseHash> {
    const work = () =>
      this.withState(async ({ backend, store }) => {
        let currentRevision = 0;
        const hash = await backend.hash(StateMachine.isHashIgnored, () => {
          currentRevision = store.currentRevision;
        });
        return { hash, currentRevision };
      });
    return this.turns.run(() => timed(work, this.observe.database), errTooManyRequests);
  }
}

async function timed<T>(work: () => Promise<T>, observe: ((seconds: number) => void) | undefined): Promise<T> {
  const startMs = performance.now();
  const result = await work();
  observe?.((performance.now() - startMs) / 1000);
  return result;
}
