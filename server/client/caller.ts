/** Carries calls to the endpoints: how long, with which token, and when to try again. */
import { type Client, type ClientDuplexStream, type ClientReadableStream, Metadata, status } from '@grpc/grpc-js';
import { Code } from '../errors/etcd-error.ts';
import { AuthService } from '../proto/gen/rpc.ts';
import type { MethodDefinition } from '../proto/wire.ts';
import type { CallOptions, EtcdClientOptions } from './client-options.ts';
import type { Connection } from './connection.ts';
import { ConnectionPool } from './connection-pool.ts';
import { Deadline } from './deadline.ts';
import { RpcError } from './rpc-error.ts';
import { needsNewToken } from './token-refusal.ts';

/** Upstream's limits of the retries of a read: how many, and how far apart. */
const maxReadAttempts = 100;
const readRetryPauseMs = 25;
/** What a login may take when the client has no time limit of its own. */
const longestLoginMs = 60_000;

/** What may be done about a call that failed: a `read` is asked again elsewhere, a `write` only if it was never sent. */
export type Repeatable = 'read' | 'write';

const unchanged = (bytes: Buffer): Buffer => bytes;

export class Caller {
  private readonly pool: ConnectionPool;
  private readonly requestTimeoutMs: number;
  private readonly maxRequestBytes: number;
  private readonly user: EtcdClientOptions['user'];
  private login: Promise<void> | undefined;
  private readonly metadata = new Metadata();

  /** @throws Error when an endpoint or a certificate cannot be read, or there is no endpoint */
  constructor(options: EtcdClientOptions) {
    this.pool = new ConnectionPool(options);
    this.requestTimeoutMs = options.requestTimeoutMs ?? Number.POSITIVE_INFINITY;
    this.maxRequestBytes = options.maxRequestBytes ?? 2 * 1024 * 1024;
    this.user = options.user;
    this.metadata.set('client-api-version', '3.5');
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
  serverStream<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    options: CallOptions = {},
  ): Promise<OpenStream<ClientReadableStream<Buffer>>> {
    const bytes = this.encode(method, request);
    return this.open(options, (grpc, callOptions) =>
      grpc.makeServerStreamRequest(method.path, unchanged, unchanged, bytes, this.metadata, callOptions),
    );
  }

  /**
   * Opens a stream in both directions. The caller must end or cancel it.
   *
   * @param requireLeader ask the member to end the stream when it loses its leader (api.md §2.1)
   */
  duplex(
    path: string,
    options: CallOptions = {},
    requireLeader = false,
  ): Promise<OpenStream<ClientDuplexStream<Buffer, Buffer>>> {
    return this.open(options, (grpc, callOptions) => {
      const metadata = this.metadata.clone();
      if (requireLeader) metadata.set('hasleader', 'true');
      return grpc.makeBidiStreamRequest(path, unchanged, unchanged, metadata, callOptions);
    });
  }

  /** Gets a token if there is a user and no token yet. */
  async logIn(options: CallOptions = {}): Promise<void> {
    await this.loggedIn(new Deadline(options.timeoutMs ?? this.requestTimeoutMs, options.signal));
  }

  /** Closes all connections; calls under way fail. */
  close(): void {
    this.pool.close();
  }

  private async attempt(
    path: string,
    request: Buffer,
    repeatable: Repeatable,
    deadline: Deadline,
    only: string | undefined,
  ): Promise<Buffer> {
    for (let attempt = 1; ; attempt++) {
      const connection = await this.pool.pick(deadline, only);
      try {
        return await this.send(connection, path, request, deadline);
      } catch (error) {
        if (attempt >= maxReadAttempts || !mayRepeat(error, repeatable)) throw error;
      }
      await deadline.sleep(readRetryPauseMs * (0.9 + 0.2 * Math.random()));
    }
  }

  private send(connection: Connection, path: string, request: Buffer, deadline: Deadline): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const cancel = (): void => call.cancel();
      const call = connection.grpc.makeUnaryRequest(
        path,
        unchanged,
        unchanged,
        request,
        this.metadata,
        deadline.forGrpc(),
        (error, response) => {
          deadline.signal?.removeEventListener('abort', cancel);
          if (error === null) resolve(response as Buffer);
          else reject(toRpcError(error, connection.endpoint));
        },
      );
      deadline.signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  private async open<Stream>(
    options: CallOptions,
    start: (grpc: Client, callOptions: { deadline?: number }) => Stream,
  ): Promise<OpenStream<Stream>> {
    const deadline = new Deadline(options.timeoutMs ?? Number.POSITIVE_INFINITY, options.signal);
    const { login } = await this.loggedIn(deadline);
    const connection = await this.pool.pick(deadline, options.endpoint);
    const renewLogin = (): boolean => {
      this.forget(login);
      return this.user !== undefined;
    };
    return { stream: start(connection.grpc, deadline.forGrpc()), endpoint: connection.endpoint, renewLogin };
  }

  private encode<Request>(method: MethodDefinition<Request, unknown>, request: Request): Buffer {
    const bytes = method.request.encode(request);
    if (bytes.length > this.maxRequestBytes) {
      const text = `trying to send message larger than max (${bytes.length} vs. ${this.maxRequestBytes})`;
      throw new RpcError(Code.ResourceExhausted, text, { neverSent: true });
    }
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
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
    this.metadata.remove('token');
    try {
      const request = this.encode(method, method.request.create(user));
      const response = method.response.decode(await this.attempt(method.path, request, 'read', deadline, undefined));
      this.metadata.set('token', response.token);
    } catch (error) {
      // Naming a user while authentication is off is allowed, as upstream does.
      if (!(error instanceof RpcError && error.message === 'etcdserver: authentication is not enabled')) throw error;
    }
  }
}

/** A stream and the endpoint that it goes to. */
export interface OpenStream<Stream> {
  readonly stream: Stream;
  readonly endpoint: string;
  /**
   * Called when the member has refused the stream's token (`needsNewToken`): the next stream is opened with a new one.
   *
   * @returns false when there is no user to log in, so that it would be no better
   */
  renewLogin(): boolean;
}

/** Turns what the gRPC library throws into an RpcError. */
export function toRpcError(error: unknown, endpoint: string): RpcError {
  if (error instanceof RpcError) return error;
  const { code, details } = error as { code?: unknown; details?: string };
  if (typeof code !== 'number') {
    return new RpcError(Code.Unknown, error instanceof Error ? error.message : String(error), {
      endpoint,
      cause: error,
    });
  }
  const text = details ?? '';
  const neverSent =
    code === status.UNAVAILABLE && /^(?:No connection established|Channel closed before call started)/.test(text);
  return new RpcError(code as Code, text, { endpoint, neverSent, cause: error });
}

/**
 * Reads are asked again when the server was unavailable, as upstream's client does. A write that may have reached a
 * server is never repeated: it might be applied twice.
 */
function mayRepeat(error: unknown, repeatable: Repeatable): boolean {
  if (!(error instanceof RpcError) || error.code !== Code.Unavailable) return false;
  return error.neverSent || repeatable === 'read';
}
