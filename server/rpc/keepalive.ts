/**
 * Pings in both directions, by the rules of upstream's gRPC library: a client that pings too often is sent away, and a
 * connection on which the client has gone silent is closed (contract: api.md §5.2, §8 trap 44).
 */
import { ConnectionError, ErrorCode, type ServerSession } from '../h2/mod.ts';

export interface KeepaliveRule {
  /** The shortest time between a client's pings while it has a stream open. */
  readonly minTimeMs: number;
  /** Silence after which the client is asked whether it is there; 0 is never. */
  readonly intervalMs: number;
  /** How long its answer may take. */
  readonly timeoutMs: number;
}

/** Pings closer together than allowed that are forgiven. */
const forgivenStrikes = 2;
/** The shortest time between pings without any stream open. */
const idleMinTimeMs = 2 * 60 * 60 * 1000;

/** Counts the pings of one client. */
export class PingPolicy {
  private readonly minTimeMs: number;
  private lastPingMs = Number.NEGATIVE_INFINITY;
  private strikes = 0;
  private answeredSince = false;

  constructor(minTimeMs: number) {
    this.minTimeMs = minTimeMs;
  }

  /** The server has sent headers or data, which gives the client a reason to measure the connection. */
  answered(): void {
    this.answeredSince = true;
  }

  /**
   * @param nowMs any steady clock
   * @param hasStreams whether the client has a call open
   * @returns whether the client has now pinged too often
   */
  ping(nowMs: number, hasStreams: boolean): boolean {
    const sinceMs = nowMs - this.lastPingMs;
    this.lastPingMs = nowMs;
    if (this.answeredSince) {
      this.answeredSince = false;
      this.strikes = 0;
      return false;
    }
    if (sinceMs < (hasStreams ? this.minTimeMs : idleMinTimeMs)) this.strikes++;
    return this.strikes > forgivenStrikes;
  }
}

/** Holds one connection to the rules. */
export class ConnectionPings {
  private readonly session: ServerSession;
  private readonly policy: PingPolicy;
  private sentBefore = 0;

  constructor(session: ServerSession, rule: KeepaliveRule) {
    this.session = session;
    this.policy = new PingPolicy(rule.minTimeMs);
    if (rule.intervalMs > 0) watchClient(session, rule);
  }

  /** An answer was sent. */
  answered(): void {
    this.policy.answered();
  }

  /** The client has sent a ping. */
  received(): void {
    const { session, policy } = this;
    // One long answer goes out in many frames, and clients measure the connection as they arrive.
    const { sentDataBytes } = session.outbound;
    if (sentDataBytes > this.sentBefore) policy.answered();
    this.sentBefore = sentDataBytes;
    if (!policy.ping(performance.now(), session.openStreams > 0)) return;
    session.fail(new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, 'too_many_pings'));
  }
}

/** Node's timers take at most 2^31-1 ms. */
const maxTimerMs = 0x7fffffff;

function watchClient(session: ServerSession, rule: KeepaliveRule): void {
  let deadline: NodeJS.Timeout | undefined;
  const ask = (): void => {
    const { receivedBytes } = session;
    // Whatever comes is a sign of life, as upstream's library has it: the answer may be queued behind a long one.
    deadline ??= setTimeout(
      () => {
        deadline = undefined;
        if (session.receivedBytes === receivedBytes) session.destroy();
      },
      Math.min(rule.timeoutMs, maxTimerMs),
    );
    session.ping(() => {});
  };
  const timer = setInterval(ask, Math.min(Math.max(rule.intervalMs, 1000), maxTimerMs));
  timer.unref();
  session.socket.once('close', () => {
    clearInterval(timer);
    clearTimeout(deadline);
  });
}
