/**
 * What happened to calls, counted in plain numbers: this is on the path of every request, a scrape is not
 * (contract: api.md §6).
 */
import { Code } from '../errors/etcd-error.ts';

export type CallType = 'unary' | 'client_stream' | 'server_stream' | 'bidi_stream';

/** Every status that a call can end with, by its number. */
export const codeNames: readonly string[] = Object.keys(Code);

/** Upper bounds in seconds of the handling time's histogram: the default ones of Prometheus. */
export const handlingBuckets: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The counters of one method. */
export class MethodStats {
  readonly service: string;
  readonly method: string;
  readonly type: CallType;
  started = 0;
  received = 0;
  sent = 0;
  /** Calls that have ended, by status code. */
  readonly handled: number[] = codeNames.map(() => 0);
  /** Calls that have ended, by the bucket of their handling time; the last one is for everything longer. */
  readonly handlingCounts: number[] = [...handlingBuckets.map(() => 0), 0];
  handlingSecondsSum = 0;

  constructor(service: string, method: string, type: CallType) {
    this.service = service;
    this.method = method;
    this.type = type;
  }

  /** Counts a call that has ended. */
  end(code: Code, seconds: number): void {
    this.handled[code] = (this.handled[code] as number) + 1;
    let bucket = 0;
    while (bucket < handlingBuckets.length && seconds > (handlingBuckets[bucket] as number)) bucket++;
    this.handlingCounts[bucket] = (this.handlingCounts[bucket] as number) + 1;
    this.handlingSecondsSum += seconds;
  }
}

/** Clients choose their version's text, so the number of different ones that are counted apart has a bound. */
const maxClientVersions = 64;

/** The counters of all methods. */
export class CallStats {
  readonly methods: MethodStats[] = [];
  /** Bytes of messages, without framing. */
  receivedBytes = 0;
  sentBytes = 0;
  private readonly clientVersions = new Map<string, { unary: number; stream: number }>();

  /** Adds the counters of a method, all at 0. */
  add(service: string, method: string, type: CallType): MethodStats {
    const stats = new MethodStats(service, method, type);
    this.methods.push(stats);
    return stats;
  }

  /** Counts a call under the API version that its client speaks. */
  countClient(type: 'unary' | 'stream', version: string): void {
    let counts = this.clientVersions.get(version);
    if (counts === undefined) {
      const name = this.clientVersions.size < maxClientVersions ? version : 'other';
      counts = this.clientVersions.get(name) ?? { unary: 0, stream: 0 };
      this.clientVersions.set(name, counts);
    }
    counts[type]++;
  }

  /** Calls by kind and API version of the client. */
  clientRequests(): { type: 'unary' | 'stream'; version: string; count: number }[] {
    return [...this.clientVersions].flatMap(([version, counts]) =>
      (['unary', 'stream'] as const)
        .filter((type) => counts[type] > 0)
        .map((type) => ({ type, version, count: counts[type] })),
    );
  }
}
