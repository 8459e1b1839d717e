/** Carries exchanges over HTTP/1.1 and HTTP/2 of Node. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Readable, Writable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { type HttpHandler, plainText, splitTarget } from './exchange.ts';

/** Answers one request of HTTP/1.1. What is left of its body is read and dropped, so that the connection can be used again. */
export async function serveHttp1(
  handler: HttpHandler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const { socket } = request;
  const incoming = request.iterator({ destroyOnReturn: false });
  const { status, headers, body } = await answer(handler, {
    ...{ method: request.method ?? 'GET', target: request.url ?? '/', headers: request.headers },
    secure: (socket as TLSSocket).encrypted === true,
    remoteAddress: `${socket.remoteAddress ?? ''}:${socket.remotePort ?? ''}`,
    body: incoming,
    signal: gone.signal,
  });
  if (typeof body === 'string') {
    response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
    response.end(body);
  } else {
    response.writeHead(status, headers);
    await sendPieces(body, response);
  }
  if (!request.complete) dropRest(request, incoming);
}

/** How long a client may go on with a body after its answer, before its connection is cut. */
const restTimeoutMs = 5_000;

function dropRest(request: IncomingMessage, incoming: NodeJS.AsyncIterator<unknown>): void {
  // Not waited for: when the client is silent, this goes on only with its next bytes.
  incoming.return?.()?.catch(() => {});
  request.resume();
  const cut = setTimeout(() => {
    if (!request.complete) request.socket.destroy();
  }, restTimeoutMs);
  request.once('close', () => clearTimeout(cut));
}

/** Answers one request of HTTP/2. */
export async function serveHttp2(
  handler: HttpHandler,
  stream: ServerHttp2Stream,
  request: IncomingHttpHeaders,
  secure: boolean,
  remoteAddress: string,
): Promise<void> {
  const gone = new AbortController();
  stream.once('close', () => gone.abort());
  const { status, headers, body } = await answer(handler, {
    ...{ method: request[':method'] ?? 'GET', target: request[':path'] ?? '/', secure, remoteAddress },
    headers: { host: request[':authority'], ...request },
    body: (stream as Readable).iterator({ destroyOnReturn: false }),
    signal: gone.signal,
  });
  if (stream.destroyed || stream.closed) return;
  if (typeof body === 'string') {
    stream.respond({ ':status': status, ...headers, 'content-length': Buffer.byteLength(body) });
    stream.end(body);
  } else {
    stream.respond({ ':status': status, ...headers });
    await sendPieces(body, stream);
  }
  // RFC 9113 §8.1: the rest of the request is of no interest. This waits until the answer has left.
  if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
}

type Incoming = Omit<Parameters<HttpHandler>[0], 'path' | 'query'> & { readonly target: string };

async function answer(handler: HttpHandler, { target, ...rest }: Incoming) {
  const split = splitTarget(target);
  if (split === undefined) return plainText(400, '400 Bad Request');
  return handler({ ...split, ...rest });
}

/** Sends pieces until there are no more, or the client is gone. */
async function sendPieces(pieces: AsyncIterable<string>, target: Writable): Promise<void> {
  for await (const piece of pieces) {
    if (target.destroyed) return;
    if (target.write(piece)) continue;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        target.off('drain', done);
        target.off('close', done);
        resolve();
      };
      target.on('drain', done);
      target.on('close', done);
    });
  }
  target.end();
}
