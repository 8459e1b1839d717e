/** A call with one request and one response, from its headers to its end: the path of nearly every request. */
import { Code, EtcdError } from '../errors/etcd-error.ts';
import { canceled, expired, startDeadline, success } from './call-end.ts';
import type { MethodStats } from './call-stats.ts';
import type { Method, UnaryMethod } from './method.ts';
import type { OpenCall } from './open-calls.ts';
import type { GrpcCall, GrpcStatus, MessageReader } from './transport.ts';

/** What a unary call needs of the dispatcher. */
export interface UnaryCallOwner {
  decode(method: Method, stats: MethodStats, bytes: Uint8Array): unknown;
  /** @throws EtcdError when the caller may not be served */
  checkCaller(call: GrpcCall, type: 'unary', allowedOnLearner: boolean): void;
  statusOf(error: unknown, path: string): GrpcStatus;
  /** Bytes of an answer go out. */
  sent(bytes: number): void;
  ended(call: UnaryCall, tookMs: number): void;
}

/** One object a call, itself what reads the message: no closures, and no promise but the one of the method. */
export class UnaryCall implements MessageReader, OpenCall {
  /** It ends by itself, and soon. */
  readonly isFinite = true;
  position = 0;
  readonly call: GrpcCall;
  requestBytes = 0;
  responseBytes = 0;
  private readonly method: UnaryMethod;
  private readonly stats: MethodStats;
  private readonly owner: UnaryCallOwner;
  private readonly startMs = performance.now();
  private deadline: NodeJS.Timeout | undefined;
  private hasEnded = false;

  constructor(call: GrpcCall, method: UnaryMethod, stats: MethodStats, owner: UnaryCallOwner) {
    this.call = call;
    this.method = method;
    this.stats = stats;
    this.owner = owner;
  }

  start(): void {
    const { call } = this;
    this.deadline = startDeadline(call, () => this.end(expired));
    call.onCancel(() => this.end(canceled));
    call.read(this);
  }

  /** For the call: its message. */
  message(bytes: Uint8Array | undefined): void {
    if (this.hasEnded) return;
    const { call, method, owner, stats } = this;
    try {
      if (bytes === undefined) throw new EtcdError(Code.Unknown, 'EOF');
      this.requestBytes = bytes.length;
      const request = owner.decode(method, stats, bytes);
      owner.checkCaller(call, 'unary', method.allowedOnLearner(request));
      method.handle(request, call).then(
        (response) => this.answer(response),
        (error) => this.failed(error),
      );
    } catch (error) {
      this.failed(error);
    }
  }

  /** For the call: why there is no message; and for the method: why there is no answer. */
  failed(error: unknown): void {
    // Also when the call has ended: what nobody expected is logged there.
    const status = this.owner.statusOf(error, this.call.path);
    this.end(status);
  }

  end(status: GrpcStatus, answer?: Uint8Array): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    clearTimeout(this.deadline);
    const tookMs = performance.now() - this.startMs;
    this.stats.end(status.code, tookMs / 1000);
    // First: whatever becomes of the answer, the call is under way no longer.
    this.owner.ended(this, tookMs);
    if (answer === undefined) this.call.finish(status);
    else this.call.reply(answer);
  }

  private answer(response: unknown): void {
    if (this.hasEnded) return;
    try {
      const bytes = this.method.definition.response.encode(response);
      this.responseBytes = bytes.length;
      this.stats.sent++;
      this.owner.sent(bytes.length);
      this.end(success, bytes);
    } catch (error) {
      this.failed(error);
    }
  }
}
