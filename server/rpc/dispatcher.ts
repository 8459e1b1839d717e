/** From calls to the methods of services: counting, the rules that hold for all of them, errors to statuses. */
import { isUtf8 } from 'node:buffer';
import type { Logger } from '../base/logger.ts';
import {
  Code,
  EtcdError,
  errInvalidClientApiVersion,
  errNoLeader,
  errNotSupportedForLearner,
} from '../errors/etcd-error.ts';
import type { EtcdMember } from '../member/etcd-member.ts';
import { WireError } from '../proto/wire.ts';
import { canceled, expired, startDeadline, stopped, success } from './call-end.ts';
import { CallStats, type CallType, type MethodStats } from './call-stats.ts';
import { LeaderMonitor } from './leader-monitor.ts';
import type { CallStream, Method, StreamMethod, UnaryMethod } from './method.ts';
import { type OpenCall, OpenCalls } from './open-calls.ts';
import { SlowRequestLog } from './slow-request-log.ts';
import type { GrpcCall, GrpcStatus } from './transport.ts';
import { UnaryCall, type UnaryCallOwner } from './unary-call.ts';

export interface DispatcherOptions {
  readonly member: Pick<EtcdMember, 'leader' | 'isLearner'>;
  readonly methods: readonly Method[];
  readonly logger: Logger;
  readonly electionTimeoutMs: number;
  /** Unary calls that take longer are logged; upstream's 300 ms unless given. */
  readonly slowRequestMs?: number;
}

interface Route<M extends Method = Method> {
  readonly method: M;
  readonly stats: MethodStats;
}

export class Dispatcher implements UnaryCallOwner {
  readonly stats = new CallStats();
  private readonly open = new OpenCalls();
  private isStopping = false;
  private readonly routes = new Map<string, Route>();
  private readonly services = new Set<string>();
  private readonly options: DispatcherOptions;
  private readonly leaderMonitor: LeaderMonitor;
  private readonly slowRequests: SlowRequestLog;

  constructor(options: DispatcherOptions) {
    this.options = options;
    const { member, electionTimeoutMs, logger, slowRequestMs = 300 } = options;
    this.leaderMonitor = new LeaderMonitor(() => member.leader() !== 0n, electionTimeoutMs);
    this.slowRequests = new SlowRequestLog(logger, slowRequestMs);
    for (const method of options.methods) this.addRoute(method);
  }

  /** Runs one call to its end. */
  readonly handle = (call: GrpcCall): void => {
    const route = this.routes.get(call.path);
    if (this.isStopping) call.finish(stopped);
    else if (route === undefined) call.finish(this.unknownPath(call.path));
    else if (route.method.kind === 'unary') this.runUnary(route as Route<UnaryMethod>, call);
    else void this.runStream(route as Route<StreamMethod>, call);
  };

  /**
   * Takes no more calls, and ends those under way that would go on for as long as the client likes: their clients find
   * another member at once.
   *
   * @param waitMs how long unary calls may go on: some wait for a lock, or for a quorum that is not there
   */
  stop(waitMs: number): void {
    this.isStopping = true;
    this.open.end(stopped, ({ isFinite }) => !isFinite);
    setTimeout(() => this.open.end(stopped, () => true), waitMs).unref();
  }

  private addRoute(method: Method): void {
    const { path } = method.definition;
    const [service, name] = path.slice(1).split('/') as [string, string];
    if (this.routes.has(path)) throw new Error(`method ${path} is declared twice`);
    this.services.add(service);
    this.routes.set(path, { method, stats: this.stats.add(service, name, callType(method)) });
  }

  private unknownPath(path: string): GrpcStatus {
    const slash = path.lastIndexOf('/');
    const service = path.slice(1, slash);
    if (!path.startsWith('/') || slash <= 0) {
      return { code: Code.Unimplemented, message: `malformed method name: ${JSON.stringify(path)}` };
    }
    if (!this.services.has(service)) return { code: Code.Unimplemented, message: `unknown service ${service}` };
    const method = path.slice(slash + 1);
    return { code: Code.Unimplemented, message: `unknown method ${method} for service ${service}` };
  }

  private runUnary({ method, stats }: Route<UnaryMethod>, call: GrpcCall): void {
    const unaryCall = new UnaryCall(call, method, stats, this);
    this.open.add(unaryCall);
    stats.started++;
    unaryCall.start();
  }

  /** For unary calls: one has ended. */
  ended(call: UnaryCall, tookMs: number): void {
    this.open.delete(call);
    this.slowRequests.observe(call, tookMs);
  }

  /** For unary calls: an answer goes out. */
  sent(bytes: number): void {
    this.stats.sentBytes += bytes;
  }

  private async runStream({ method, stats }: Route<StreamMethod>, call: GrpcCall): Promise<void> {
    const startMs = performance.now();
    stats.started++;
    let ended = false;
    const end = (status: GrpcStatus): void => {
      if (ended) return;
      ended = true;
      this.open.delete(open);
      stats.end(status.code, (performance.now() - startMs) / 1000);
      call.finish(status);
    };
    const open: OpenCall = { isFinite: method.isFinite, position: 0, end };
    this.open.add(open);
    const deadline = startDeadline(call, () => end(expired));
    call.onCancel(() => end(canceled));
    let unwatch = (): void => {};
    try {
      this.checkCaller(call, 'stream', method.allowedOnLearner);
      if (call.metadata('hasleader') === 'true') {
        unwatch = this.leaderMonitor.watch(() => end(this.statusOf(errNoLeader(), call.path)));
      }
      await method.handle(this.callStream(method, stats, call));
      end(success);
    } catch (error) {
      end(this.statusOf(error, call.path));
    } finally {
      unwatch();
      clearTimeout(deadline);
    }
  }

  private callStream(method: StreamMethod, stats: MethodStats, call: GrpcCall): CallStream<unknown, unknown> {
    return {
      metadata: (name) => call.metadata(name),
      remoteAddress: call.remoteAddress,
      peerCertificate: () => call.peerCertificate(),
      signal: call.signal,
      receive: async () => {
        const bytes = await call.message();
        return bytes === undefined ? undefined : this.decode(method, stats, bytes);
      },
      send: (response) => {
        const bytes = method.definition.response.encode(response);
        stats.sent++;
        this.stats.sentBytes += bytes.length;
        return call.send(bytes);
      },
    };
  }

  /** For unary calls. */
  decode(method: Method, stats: MethodStats, bytes: Uint8Array): unknown {
    stats.received++;
    this.stats.receivedBytes += bytes.length;
    try {
      return method.definition.request.decode(bytes);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      throw new EtcdError(Code.Internal, `grpc: error unmarshalling request: ${error.message}`);
    }
  }

  /** What holds for all methods (contract: api.md §2.1). */
  checkCaller(call: GrpcCall, type: 'unary' | 'stream', allowedOnLearner: boolean): void {
    const { member } = this.options;
    const version = call.metadata('client-api-version') ?? 'unknown';
    if (beyondAscii.test(version) && !isUtf8(Buffer.from(version, 'latin1'))) throw errInvalidClientApiVersion();
    this.stats.countClient(type, version);
    if (!allowedOnLearner && member.isLearner()) throw errNotSupportedForLearner();
    if (call.metadata('hasleader') === 'true' && member.leader() === 0n) throw errNoLeader();
  }

  /** Anything but an EtcdError is a defect or a failing disk: it is logged, and the client told as upstream would. */
  statusOf(error: unknown, path: string): GrpcStatus {
    if (error instanceof EtcdError) return { code: error.code, message: error.message };
    this.options.logger.error('call failed unexpectedly', { method: path, error });
    return { code: Code.Unknown, message: error instanceof Error ? error.message : String(error) };
  }
}

/** Header values arrive as one character a byte. */
const beyondAscii = /[\u0080-\u00ff]/;

function callType({ definition: { requestStream, responseStream } }: Method): CallType {
  if (requestStream) return responseStream ? 'bidi_stream' : 'client_stream';
  return responseStream ? 'server_stream' : 'unary';
}
