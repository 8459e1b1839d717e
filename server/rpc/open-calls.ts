import type { GrpcStatus } from './transport.ts';

/** A call under way. */
export interface OpenCall {
  /** Whether it ends by itself, and soon: a unary call or a snapshot. */
  readonly isFinite: boolean;
  /** Where `OpenCalls` has it. */
  position: number;
  end(status: GrpcStatus): void;
}

/**
 * The calls under way, in no order. An array, not a Set: the tables that a Set leaves behind as calls come and go keep
 * thousands of ended calls alive until the whole heap is collected.
 */
export class OpenCalls {
  private readonly calls: OpenCall[] = [];

  add(call: OpenCall): void {
    call.position = this.calls.length;
    this.calls.push(call);
  }

  /** Removes a call that is there; the last one takes its place. */
  delete(call: OpenCall): void {
    const last = this.calls.pop() as OpenCall;
    if (last === call) return;
    this.calls[call.position] = last;
    last.position = call.position;
  }

  /** Ends those that `isMeant` says. */
  end(status: GrpcStatus, isMeant: (call: OpenCall) => boolean): void {
    for (const call of this.calls.filter(isMeant)) call.end(status);
  }
}
