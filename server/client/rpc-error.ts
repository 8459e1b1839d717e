/** What a call of the client rejects with. */
import { Code } from '../errors/etcd-error.ts';

/** gRPC's names of the codes, as Go prints them. */
const codeNames = new Map<number, string>(Object.entries(Code).map(([name, code]) => [code, name]));

/** A call that failed. `message` is the text of the server's status, or of the client when no server answered. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: Code;
  /** The endpoint that was asked last; undefined when no endpoint was reachable. */
  readonly endpoint: string | undefined;
  /** True when it is certain that no server has seen the request. */
  readonly neverSent: boolean;

  constructor(code: Code, message: string, context: { endpoint?: string; neverSent?: boolean; cause?: unknown } = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.code = code;
    this.endpoint = context.endpoint;
    this.neverSent = context.neverSent ?? false;
  }
}

/**
 * The text that upstream's client gives an error: etcd's own conditions and the two of a Go context bare, all others
 * with the gRPC wrapper (contract: cli §1.4).
 */
export function describeRpcError(error: unknown): string {
  if (!(error instanceof RpcError)) return error instanceof Error ? error.message : String(error);
  if (error.code === Code.DeadlineExceeded) return 'context deadline exceeded';
  if (error.code === Code.Canceled) return 'context canceled';
  if (error.message.startsWith('etcdserver: ')) return error.message;
  return `rpc error: code = ${codeNames.get(error.code) ?? `Code(${error.code})`} desc = ${error.message}`;
}
