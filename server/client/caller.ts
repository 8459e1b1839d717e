/** Carries calls to the endpoints: how long, with which token, and when to try again. */
import { Code } from '../errors/etcd-error.ts';
import { AuthService } from '../proto/gen/rpc.ts';
import type { MethodDefinition } from '../proto/wire.ts';
import type { CallOptions, EtcdClientOptions } from './client-options.ts';
import type { Metadata } from './connection.ts';
import { ConnectionPool } from './connection-pool.ts';
import { Deadline } from './deadline.ts';
import type { GrpcCall, MessageStream } from './grpc-call.ts';
import { RpcError } from './rpc-error.ts';
import { needsNewToken } from './token-refusal.ts';

/** Upstream's limits of the retries of a read: how many, and how far apart. */
const maxReadAttempts = 100;
const readRetryPauseMs = 25;
/** What a login may take when the client has no time limit of its own. */
const longestLoginMs = 60_000;

/** What may be done about a call that failed: a `read` is asked again elsewhere, a `write` only if it was never sent. */
export type Repeatable = 'read' | 'write';

export class Caller {
  private readonly pool: ConnectionPool;
  private readonly requestTimeoutMs: number;
  private readonly maxRequestBytes: number;
  private readonly user: EtcdClientOptions['user'];
  private login: Promise<void> | undefined;
  private metadata: Metadata = { 'client-api-version': '3.5' };

  /** @throws Error when an endpoint or a certificate cannot be read, or there is no endpoint */
  constructor(options: EtcdClientOptions) {
    this.pool = new ConnectionPool(options);
    this.requestTimeoutMs = options.requestTimeoutMs ?? Number.POSITIVE_INFINITY;
    this.maxRequestBytes = options.maxRequestBytes ?? 2 * 1024 * 1024;
    this.user = options.user;
  }

  /**
   * Sends one request for one response.
   *
   * @throws RpcError with the server's code and text, DeadlineExceeded or Canceled
   */
  async unary<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    repeatable: Repeatable,
    options: CallOptions = {},
  ): Promise<Response> {
    const bytes = this.encode(method, request);
    const deadline = new Deadline(options.timeoutMs ?? this.requestTimeoutMs, options.signal);
    const { login } = await this.loggedIn(deadline);
    try {
      return method.response.decode(await this.attempt(method.path, bytes, repeatable, deadline, options.endpoint));
    } catch (error) {
      if (this.user === undefined || !needsNewToken(error)) throw error;
    }
    // Tokens expire, and a member that restarts has forgotten those it gave. The refused call has had no effect.
    this.forget(login);
    await this.loggedIn(deadline);
    return method.response.decode(await this.attempt(method.path, bytes, repeatable, deadline, options.endpoint));
  }

  /** Opens a stream of responses to one request. The caller must read it to its end or cancel it. */
  async serverStream<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    options: CallOptions = {},
  ): Promise<OpenStream> {
    const bytes = this.encode(method, request);
    const opened = await this.open(method.path, {}, options);
    opened.stream.sendOnly(bytes);
    return opened;
  }

  /**
   * Opens a stream in both directions. The caller must end or cancel it.
   *
   * @param requireLeader ask the member to end the stream when it loses its leader (api.md §2.1)
   */
  duplex(path: string, options: CallOptions = {}, requireLeader = false): Promise<OpenStream> {
    return this.open(path, requireLeader ? { hasleader: 'true' } : {}, options);
  }

  /** Gets a token if there is a user and no token yet. */
  async logIn(options: CallOptions = {}): Promise<void> {
    await this.loggedIn(new Deadline(options.timeoutMs ?? this.requestTimeoutMs, options.signal));
  }

  /** Takes no more calls; connections end when those under way have ended. */
  close(): void {
    this.pool.close();
  }

  private async attempt(
    path: string,
    request: Uint8Array,
    repeatable: Repeatable,
    deadline: Deadline,
    only: string | undefined,
  ): Promise<Uint8Array> {
    for (let attempt = 1; ; attempt++) {
      const connection = await this.pool.pick(deadline, only);
      try {
        const call = connection.call(path, this.metadata, deadline.leftMs(), deadline.signal);
        call.sendOnly(request);
        return await call.answer();
      } catch (error) {
        if (attempt >= maxReadAttempts || !mayRepeat(error, repeatable)) throw error;
      }
      await deadline.sleep(readRetryPauseMs * (0.9 + 0.2 * Math.random()));
    }
  }

  private async open(
    path: string,
    more: Metadata,
    options: CallOptions,
  ): Promise<OpenStream & { readonly stream: GrpcCall }> {
    const deadline = new Deadline(options.timeoutMs ?? Number.POSITIVE_INFINITY, options.signal);
    const { login } = await this.loggedIn(deadline);
    const connection = await this.pool.pick(deadline, options.endpoint);
    const renewLogin = (): boolean => {
      this.forget(login);
      return this.user !== undefined;
    };
    const stream = connection.call(path, { ...this.metadata, ...more }, deadline.leftMs(), options.signal);
    return { stream, endpoint: connection.endpoint, renewLogin };
  }

  private encode<Request>(method: MethodDefinition<Request, unknown>, request: Request): Uint8Array {
    const bytes = method.request.encode(request);
    if (bytes.length > this.maxRequestBytes) {
      const text = `trying to send message larger than max (${bytes.length} vs. ${this.maxRequestBytes})`;
      throw new RpcError(Code.ResourceExhausted, text, { neverSent: true });
    }
    return bytes;
  }

  /**
   * Calls share one login, and each waits for it as long as it may itself. One that has failed, or that somebody gave up
   * waiting for, is tried again by the next call.
   *
   * @returns the login that the call went through, to tell whether another call has renewed it since
   */
  private async loggedIn(deadline: Deadline): Promise<{ readonly login: Promise<void> | undefined }> {
    if (this.user === undefined) return { login: undefined };
    const limitMs = Math.min(this.requestTimeoutMs, longestLoginMs);
    this.login ??= this.authenticate(this.user, new Deadline(limitMs));
    const { login } = this;
    // Also when nobody is left to wait for it.
    login.catch(() => this.forget(login));
    try {
      if (await deadline.race(login, Number.POSITIVE_INFINITY)) return { login };
    } catch (error) {
      this.forget(login);
      throw error;
    }
    this.forget(login);
    const text = `cannot log in as ${this.user.name} within ${deadline.waited()} ms`;
    throw new RpcError(Code.DeadlineExceeded, text, { neverSent: true });
  }

  /** Lets the next call log in anew, unless another has done so since. */
  private forget(login: Promise<void> | undefined): void {
    if (this.login === login) this.login = undefined;
  }

  private async authenticate(user: { name: string; password: string }, deadline: Deadline): Promise<void> {
    const method = AuthService.Authenticate;
    const { token: _, ...withoutToken } = this.metadata;
    this.metadata = withoutToken;
    try {
      const request = this.encode(method, method.request.create(user));
      const response = method.response.decode(await this.attempt(method.path, request, 'read', deadline, undefined));
      this.metadata = { ...withoutToken, token: response.token };
    } catch (error) {
      // Naming a user while authentication is off is allowed, as upstream does.
      if (!(error instanceof RpcError && error.message === 'etcdserver: authentication is not enabled')) throw error;
    }
  }
}

/** A stream and the endpoint that it goes to. */
export interface OpenStream {
  readonly stream: MessageStream;
  readonly endpoint: string;
  /**
   * Called when the member has refused the stream's token (`needsNewToken`): the next stream is opened with a new one.
   *
   * @returns false when there is no user to log in, so that it would be no better
   */
  renewLogin(): boolean;
}

/**
 * Reads are asked again when the server was unavailable, as upstream's client does. A write that may have reached a
 * server is never repeated: it might be applied twice.
 */
function mayRepeat(error: unknown, repeatable: Repeatable): boolean {
  if (!(error instanceof RpcError) || error.code !== Code.Unavailable) return false;
  return error.neverSent || repeatable === 'read';
}
