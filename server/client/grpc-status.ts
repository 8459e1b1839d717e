/** What a call that has ended means in gRPC (grpc/doc/PROTOCOL-HTTP2, http-grpc-status-mapping), in upstream's words. */
import { Code } from '../errors/etcd-error.ts';
import { ErrorCode, type HeaderField, type StreamFailure } from '../h2/mod.ts';
import { RpcError } from './rpc-error.ts';

/** Of a stream that the server has reset; Internal for those that are not here. */
const codesOfResets = new Map<number, Code>([
  [ErrorCode.REFUSED_STREAM, Code.Unavailable],
  [ErrorCode.CANCEL, Code.Canceled],
  [ErrorCode.ENHANCE_YOUR_CALM, Code.ResourceExhausted],
  [ErrorCode.FLOW_CONTROL_ERROR, Code.ResourceExhausted],
  [ErrorCode.INADEQUATE_SECURITY, Code.PermissionDenied],
]);

/** Of an answer that is not gRPC's, such as a proxy's; Unknown for those that are not here. */
const codesOfHttp = new Map<string, Code>([
  ['400', Code.Internal],
  ['401', Code.Unauthenticated],
  ['403', Code.PermissionDenied],
  ['404', Code.Unimplemented],
  ['429', Code.Unavailable],
  ['502', Code.Unavailable],
  ['503', Code.Unavailable],
  ['504', Code.Unavailable],
]);

/** The error of a call whose stream or connection has broken. */
export function failureOf({ code, message, isUnprocessed }: StreamFailure, endpoint: string): RpcError {
  const context = { endpoint, neverSent: isUnprocessed };
  if (code !== undefined) return new RpcError(codesOfResets.get(code) ?? Code.Internal, message, context);
  return new RpcError(Code.Unavailable, `error reading from server: ${message}`, context);
}

/**
 * The error of a call that something else than gRPC answers, such as a proxy.
 *
 * @param fields those that the answer begins with
 * @returns undefined when it is gRPC's
 */
export function strangerStatus(fields: readonly HeaderField[], endpoint: string): RpcError | undefined {
  if (valueOf(fields, 'grpc-status') !== undefined) return undefined;
  const http = valueOf(fields, ':status') ?? '';
  const contentType = valueOf(fields, 'content-type') ?? '';
  const isOk = http === '200';
  if (isOk && contentType.startsWith('application/grpc')) return undefined;
  const text = `unexpected HTTP status code received from server: ${http}`;
  const detail = isOk ? `; transport: received unexpected content-type "${contentType}"` : '';
  return new RpcError(codesOfHttp.get(http) ?? Code.Unknown, `${text}${detail}`, { endpoint });
}

/**
 * The error of a call whose answer is complete.
 *
 * @param fields all header fields of the answer, trailers included
 * @param isCut whether it ends within a message
 * @returns undefined for status OK
 */
export function statusOf(fields: readonly HeaderField[], isCut: boolean, endpoint: string): RpcError | undefined {
  const error = (code: Code, message: string): RpcError => new RpcError(code, message, { endpoint });
  const status = valueOf(fields, 'grpc-status');
  if (status === undefined) return error(Code.Internal, 'server closed the stream without sending trailers');
  const code = Number(status);
  if (!Number.isInteger(code)) return error(Code.Unknown, `malformed grpc-status: "${status}"`);
  if (code !== Code.OK) return error(code as Code, decodeStatusMessage(valueOf(fields, 'grpc-message') ?? ''));
  return isCut ? error(Code.Internal, 'unexpected EOF') : undefined;
}

function valueOf(fields: readonly HeaderField[], name: string): string | undefined {
  return fields.find((field) => field.name === name)?.value;
}

/** The `grpc-message` trailer: UTF-8, percent-encoded outside printable ASCII; what is not so encoded stays as it is. */
export function decodeStatusMessage(text: string): string {
  if (!text.includes('%')) return text;
  const bytes = text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}
