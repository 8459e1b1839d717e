/** Carries exchanges over HTTP/1.1. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import { answer, type HttpHandler } from './exchange.ts';
import { incomingOf } from './incoming.ts';

/** Answers one request of HTTP/1.1. What is left of its body is read and dropped, so that the connection can be used again. */
export async function serveHttp1(
  handler: HttpHandler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const incoming = request.iterator({ destroyOnReturn: false });
  const { status, headers, body } = await answer(handler, {
    ...incomingOf(request),
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
