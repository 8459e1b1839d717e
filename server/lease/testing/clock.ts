import { MemoryBackend } from '../../backend/testing/memory-backend.ts';
import { EtcdError } from '../../errors/etcd-error.ts';
import { Lessor, type LessorOptions } from '../mod.ts';

/** A lessor on a clock that goes when it is told to. */
export class TestLessor extends Lessor {
  private readonly clock: { ms: number };

  constructor(options: Partial<LessorOptions> = {}) {
    const clock = { ms: 1_000_000 };
    super({ backend: new MemoryBackend(), now: () => clock.ms, minTtlSeconds: 2, ...options });
    this.clock = clock;
  }

  /** Lets time pass. */
  pass(seconds: number): void {
    this.clock.ms += 1000 * seconds;
  }

  /** Expired leases from one call, as many as there are. */
  expired(): bigint[] {
    return this.takeExpired(Number.POSITIVE_INFINITY);
  }
}

/** The text with which `act` refuses; undefined when it does not. */
export function refusal(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof EtcdError) return error.message.replace('etcdserver: ', '');
    throw error;
  }
}
