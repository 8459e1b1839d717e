/** The JSON gateway: each request becomes a call to the same methods that gRPC reaches (contract: api.md §4.1). */
import { Code } from '../errors/etcd-error.ts';
import type { HttpHandler, HttpRequest } from '../http/mod.ts';
import { reflection } from '../proto/gen/reflection.ts';
import type { GrpcHandler } from '../rpc/mod.ts';
import { GatewayCall } from './call.ts';
import { errorResponse } from './error-response.ts';
import { gatewayRoutes } from './routes.ts';

export interface GatewayOptions {
  /** Answers the calls. */
  readonly handler: GrpcHandler;
  /** The largest message taken, in protobuf. */
  readonly maxReceiveBytes: number;
}

/** Answers everything below `/v3/`. */
export function createGateway({ handler, maxReceiveBytes }: GatewayOptions): HttpHandler {
  return async (request) => {
    const path = gatewayRoutes.get(request.path.replace(/^\/v3\//, ''));
    const method = path === undefined ? undefined : reflection.methods[path];
    if (path === undefined || method === undefined) return errorResponse(Code.NotFound, 'Not Found');
    if (request.method !== 'POST') return errorResponse(Code.Unimplemented, 'Method Not Allowed');
    const timeout = header(request, 'grpc-timeout');
    const timeoutMs = timeout === undefined ? undefined : parseTimeout(timeout);
    if (timeout !== undefined && timeoutMs === undefined) {
      return errorResponse(Code.InvalidArgument, `invalid grpc-timeout: ${timeout}`);
    }
    // Timers count milliseconds; a call with less time than it takes to begin has run out of it.
    if (timeoutMs !== undefined && timeoutMs < 1e-3) {
      return errorResponse(Code.DeadlineExceeded, 'context deadline exceeded');
    }
    const call = new GatewayCall(request, { path, method, timeoutMs, maxReceiveBytes });
    handler(call);
    return call.response;
  };
}

const timeoutUnitsMs: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** Such as `300m`, in milliseconds. */
function parseTimeout(text: string): number | undefined {
  const [, digits, unit] = /^(\d+)([HMSmun])$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * (timeoutUnitsMs[unit as string] as number);
}

function header(request: HttpRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}
