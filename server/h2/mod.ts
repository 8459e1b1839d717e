/**
 * The server's side of HTTP/2 (RFC 9113, RFC 7541) on sockets that it is handed, made for batches: a whole read is
 * parsed at once, and what is answered until the next tick is one write. It knows nothing of what it carries.
 */
export type { HeaderField } from './header-table.ts';
export { ConnectionError, ErrorCode } from './protocol.ts';
export type { RequestHead } from './request-head.ts';
export { ServerSession, type SessionOptions } from './session.ts';
export type { ServerStream, StreamHandler } from './stream.ts';
