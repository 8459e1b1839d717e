/** /health, /livez and /readyz: what monitoring and kubelets ask (contract: api.md §4.2). */
import type { Logger } from '../base/logger.ts';
import { asItself, type EtcdMember } from '../member/etcd-member.ts';
import { AlarmType, RangeRequest } from '../proto/gen/rpc.ts';
import { type HttpRequest, type HttpResponse, plainText } from './exchange.ts';

/** Outcomes of checks, for /metrics. */
export interface HealthObserver {
  /** /health was answered. */
  health(healthy: boolean): void;
  /** One check of /livez or /readyz was made. */
  check(type: 'livez' | 'readyz', name: string, passed: boolean): void;
}

type CheckMember = Pick<EtcdMember, 'range' | 'alarms' | 'leader' | 'isLearner'>;

/** Throws the reason when it fails. */
type Check = (member: CheckMember) => Promise<void>;

const readOneKey = (serializable: boolean): RangeRequest =>
  RangeRequest.create({ key: Buffer.from('a'), limit: 1, serializable });

const checks = {
  data_corruption: async (member) => {
    if (hasAlarm(member, AlarmType.CORRUPT)) throw new Error('alarm activated: CORRUPT');
  },
  serializable_read: async (member) => {
    await member.range(readOneKey(true), asItself);
  },
  linearizable_read: async (member) => {
    await member.range(readOneKey(false), asItself);
  },
  non_learner: async (member) => {
    if (member.isLearner()) throw new Error('not supported for learner');
  },
} satisfies Record<string, Check>;

const probes: Record<'livez' | 'readyz', Record<string, Check>> = {
  livez: { serializable_read: checks.serializable_read },
  readyz: checks,
};

function hasAlarm(member: CheckMember, type: AlarmType): boolean {
  return member.alarms().some(({ alarm }) => alarm === type);
}

export class HealthEndpoints {
  private readonly member: CheckMember;
  private readonly timeoutMs: number;
  private readonly logger: Logger;
  private readonly observer: HealthObserver;

  /** @param timeoutMs how long a read may take: upstream's request timeout, 5 s and two elections */
  constructor(member: CheckMember, timeoutMs: number, logger: Logger, observer: HealthObserver) {
    this.member = member;
    this.timeoutMs = timeoutMs;
    this.logger = logger;
    this.observer = observer;
  }

  /** GET /health: alarms, then leader, then a read. */
  async health({ query }: HttpRequest): Promise<HttpResponse> {
    const reason = await this.unhealthyReason(query);
    const healthy = reason === '';
    this.observer.health(healthy);
    if (!healthy) this.logger.warn('serving /health false', { reason });
    return {
      status: healthy ? 200 : 503,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      // The value is a string, not a boolean, and clients compare it.
      body: JSON.stringify({ health: String(healthy), reason }),
    };
  }

  private async unhealthyReason(query: URLSearchParams): Promise<string> {
    const excluded = new Set(query.getAll('exclude'));
    for (const name of ['NOSPACE', 'CORRUPT'] as const) {
      if (!excluded.has(name) && hasAlarm(this.member, AlarmType[name])) return `ALARM ${name}`;
    }
    const serializable = query.get('serializable') === 'true';
    if (!serializable && this.member.leader() === 0n) return 'RAFT NO LEADER';
    try {
      await this.inTime(() => this.member.range(readOneKey(serializable), asItself));
      return '';
    } catch (error) {
      return `RANGE ERROR:${(error as Error).message}`;
    }
  }

  /** GET /livez, /readyz and one check of theirs, /readyz/NAME. */
  async probe(type: 'livez' | 'readyz', { path, query }: HttpRequest): Promise<HttpResponse> {
    const all = probes[type];
    const only = path === `/${type}` ? undefined : path.slice(type.length + 2);
    if (only !== undefined && !Object.hasOwn(all, only)) return plainText(404, '404 page not found');
    const excluded = query.getAll('exclude');
    const unknown = excluded.filter((name) => !Object.hasOwn(all, name));
    if (unknown.length > 0) this.logger.warn('some health checks cannot be excluded', { unknown });
    const names = Object.keys(all).filter((name) => (only === undefined ? !excluded.includes(name) : name === only));
    const failures = new Map<string, string>();
    await Promise.all(
      names.map(async (name) => {
        const failure = await this.failureOf(all[name] as Check);
        if (failure !== undefined) failures.set(name, failure);
        this.observer.check(type, name, failure === undefined);
      }),
    );
    const lines = names.map((name) => {
      const failure = failures.get(name);
      return failure === undefined ? `[+]${name} ok` : `[-]${name} failed: ${failure}`;
    });
    if (failures.size > 0) {
      this.logger.warn('health check failed', { path, failures });
      return plainText(503, lines.join('\n'));
    }
    return plainText(200, query.has('verbose') ? [...lines, 'ok'].join('\n') : 'ok');
  }

  private async failureOf(check: Check): Promise<string | undefined> {
    try {
      await this.inTime(() => check(this.member));
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  private async inTime(work: () => Promise<unknown>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('etcdserver: request timed out')), this.timeoutMs);
    });
    try {
      await Promise.race([work(), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
