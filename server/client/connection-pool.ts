/** The connections of one client, and which of them the next call takes. */
import { Code } from '../errors/etcd-error.ts';
import type { EtcdClientOptions } from './client-options.ts';
import { Connection } from './connection.ts';
import type { Deadline } from './deadline.ts';
import { RpcError } from './rpc-error.ts';

/** Between two connections that the server has ended before a call could take them. */
const redialPauseMs = 100;

export class ConnectionPool {
  private readonly connections: readonly Connection[];
  private readonly dialTimeoutMs: number;
  private turn = 0;
  private closed = false;

  /** @throws Error when an endpoint or a certificate cannot be read, or there is no endpoint */
  constructor(options: EtcdClientOptions) {
    if (options.endpoints.length === 0) throw new Error('an etcd client needs at least one endpoint');
    this.dialTimeoutMs = options.dialTimeoutMs ?? 2_000;
    this.connections = options.endpoints.map((endpoint) => new Connection(endpoint, options));
  }

  /**
   * The next connected endpoint in turn; if none is connected, the first to become so.
   *
   * @param only the one endpoint to take, instead of any
   * @throws RpcError DeadlineExceeded when none can be connected in time; its `neverSent` is true
   */
  async pick(deadline: Deadline, only?: string | undefined): Promise<Connection> {
    this.throwIfClosed();
    const candidates =
      only === undefined ? this.connections : this.connections.filter((connection) => connection.endpoint === only);
    if (candidates.length === 0) throw new Error(`"${only}" is not one of the endpoints of this client`);
    const ready = await this.ready(candidates, deadline);
    const chosen = ready[this.turn % ready.length] as Connection;
    this.turn = (this.turn + 1) % Number.MAX_SAFE_INTEGER;
    return chosen;
  }

  close(): void {
    this.closed = true;
    for (const connection of this.connections) connection.close();
  }

  private throwIfClosed(): void {
    if (this.closed) throw new RpcError(Code.Canceled, 'the client is closed', { neverSent: true });
  }

  private async ready(candidates: readonly Connection[], deadline: Deadline): Promise<Connection[]> {
    const untilMs = performance.now() + Math.min(this.dialTimeoutMs, deadline.leftMs());
    for (;;) {
      const ready = candidates.filter((candidate) => candidate.isReady);
      // Also when another is ready: an endpoint that comes back must get its share of the calls again.
      const connecting = candidates.filter((candidate) => !candidate.isReady).map((candidate) => candidate.whenReady());
      if (ready.length > 0) return ready;
      const isInTime = await deadline.race(Promise.race(connecting), untilMs - performance.now());
      this.throwIfClosed();
      const connected = candidates.filter((candidate) => candidate.isReady);
      if (connected.length > 0) return connected;
      if (!isInTime || untilMs - performance.now() <= redialPauseMs) break;
      // A server that is about to stop takes a connection and ends it; another may soon be in its place.
      await deadline.sleep(redialPauseMs);
    }
    const names = candidates.map((candidate) => candidate.endpoint).join(', ');
    throw new RpcError(Code.DeadlineExceeded, `cannot connect to ${names} within ${deadline.waited()} ms`, {
      neverSent: true,
    });
  }
}
