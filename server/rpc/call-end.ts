/** How calls end that are not ended by their method. */
import { Code } from '../errors/etcd-error.ts';
import type { GrpcCall, GrpcStatus } from './transport.ts';

export const success: GrpcStatus = { code: Code.OK, message: '' };
export const canceled: GrpcStatus = { code: Code.Canceled, message: 'context canceled' };
export const stopped: GrpcStatus = { code: Code.Unavailable, message: 'etcdserver: server stopped' };
export const expired: GrpcStatus = { code: Code.DeadlineExceeded, message: 'context deadline exceeded' };

/** Node's timers take at most 2^31-1 ms; a call given more time has no limit worth keeping. */
const maxTimeoutMs = 0x7fffffff;

/** @returns the timer of the time that the client gives the call, if it gives one */
export function startDeadline({ timeoutMs }: GrpcCall, expire: () => void): NodeJS.Timeout | undefined {
  if (timeoutMs === undefined || timeoutMs > maxTimeoutMs) return undefined;
  return setTimeout(expire, Math.ceil(timeoutMs));
}
