/** A gRPC status as the gateway's HTTP status and body. */
import { Code } from '../errors/etcd-error.ts';
import type { HttpResponse } from '../http/mod.ts';

const httpStatuses: Record<Code, number> = {
  [Code.OK]: 200,
  [Code.Canceled]: 499,
  [Code.Unknown]: 500,
  [Code.InvalidArgument]: 400,
  [Code.DeadlineExceeded]: 504,
  [Code.NotFound]: 404,
  [Code.AlreadyExists]: 409,
  [Code.PermissionDenied]: 403,
  [Code.ResourceExhausted]: 429,
  [Code.FailedPrecondition]: 400,
  [Code.Aborted]: 409,
  [Code.OutOfRange]: 400,
  [Code.Unimplemented]: 501,
  [Code.Internal]: 500,
  [Code.Unavailable]: 503,
  [Code.DataLoss]: 500,
  [Code.Unauthenticated]: 401,
};

/** `{"code":3, "message":"..."}`; fields at their default are left out, as everywhere. */
export function errorJson(code: Code, message: string, comma: ', ' | ','): string {
  const fields = [...(code === Code.OK ? [] : [`"code":${code}`])];
  if (message !== '') fields.push(`"message":${JSON.stringify(message)}`);
  return `{${fields.join(comma)}}`;
}

export function errorResponse(code: Code, message: string): HttpResponse {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  // RFC 9110 §11.6.1 wants one with a 401; upstream's gateway puts the message there. A header holds no line feed.
  if (code === Code.Unauthenticated) headers['www-authenticate'] = message.replace(/[^\x20-\x7e]/g, ' ');
  return { status: httpStatuses[code], headers, body: errorJson(code, message, ', ') };
}
