/** Carries exchanges over HTTP/1.1 and HTTP/2 of Node. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { type HttpHandler, splitTarget } from './exchange.ts';

/** Answers one request of HTTP/1.1. Bodies of requests are read and dropped, so that the connection can be used again. */
export async function serveHttp1(
  handler: HttpHandler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  request.resume();
  const { status, headers, body } = await handler({
    method: request.method ?? 'GET',
    ...splitTarget(request.url ?? '/'),
    headers: request.headers,
    secure: (request.socket as TLSSocket).encrypted === true,
  });
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** Answers one request of HTTP/2. */
export async function serveHttp2(
  handler: HttpHandler,
  stream: ServerHttp2Stream,
  request: IncomingHttpHeaders,
  secure: boolean,
): Promise<void> {
  stream.resume();
  const { status, headers, body } = await handler({
    method: request[':method'] ?? 'GET',
    ...splitTarget(request[':path'] ?? '/'),
    headers: { host: request[':authority'], ...request },
    secure,
  });
  if (stream.destroyed || stream.closed) return;
  stream.respond({ ':status': status, ...headers, 'content-length': Buffer.byteLength(body) });
  stream.end(body);
}
