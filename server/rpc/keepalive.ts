/**
 * Pings in both directions, by the rules of upstream's gRPC library: a client that pings too often is sent away, and a
 * connection on which the client has gone silent is closed (contract: api.md §5.2, §8 trap 44).
 */
import { constants, type ServerHttp2Session } from 'node:http2';

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

/** More than the answer to a ping takes, TLS and a ping of the server's own included. */
const pingAnswerBytes = 256;

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

/**
 * Holds a session to the rules until it closes.
 *
 * @returns the policy that is to be told of each answer
 */
export function keepAlive(session: ServerHttp2Session, rule: KeepaliveRule, openStreams: () => number): PingPolicy {
  const policy = new PingPolicy(rule.minTimeMs);
  let writtenBefore = 0;
  session.on('ping', () => {
    // One long answer goes out in many frames, and clients measure the connection as they arrive.
    const written = session.destroyed ? 0 : session.socket.bytesWritten;
    if (written - writtenBefore > pingAnswerBytes) policy.answered();
    writtenBefore = written;
    if (!policy.ping(performance.now(), openStreams() > 0)) return;
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from('too_many_pings'));
    // The frame has to leave before the connection goes.
    setImmediate(() => session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM));
  });
  if (rule.intervalMs > 0) watchClient(session, rule);
  return policy;
}

function watchClient(session: ServerHttp2Session, rule: KeepaliveRule): void {
  // Node's timers take at most 2^31-1 ms.
  const intervalMs = Math.min(Math.max(rule.intervalMs, 1000), 0x7fffffff);
  const timer = setInterval(() => {
    const deadline = setTimeout(() => session.destroy(), rule.timeoutMs);
    const sent = session.ping(() => clearTimeout(deadline));
    if (!sent) clearTimeout(deadline);
    session.once('close', () => clearTimeout(deadline));
  }, intervalMs);
  timer.unref();
  session.once('close', () => clearInterval(timer));
}
