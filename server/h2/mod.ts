/**
 * Both sides of HTTP/2 (RFC 9113, RFC 7541) on sockets that they are handed, made for batches: a whole read is
 * parsed at once, and what is answered until the next tick is one write. They know nothing of what they carry.
 */
export { ClientSession, type ClientSessionOptions } from './client-session.ts';
export type { AnswerHandler, ClientStream, StreamFailure } from './client-stream.ts';
export type { HeaderField } from './header-table.ts';
export { ConnectionError, ErrorCode } from './protocol.ts';
export type { RequestHead } from './request-head.ts';
export { ServerSession, type SessionOptions } from './session.ts';
export type { ServerStream, StreamHandler } from './stream.ts';
