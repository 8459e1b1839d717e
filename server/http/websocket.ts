/**
 * The gateway over WebSocket (RFC 6455): messages of the client are the body of a POST, and each line of the answer is a
 * message. Browsers reach watches and other streams by it, with the token in the subprotocol: `Bearer, <token>`
 * (contract: api.md §4.1).
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { answer, type HttpHandler, type HttpRequest, type HttpResponse } from './exchange.ts';
import { incomingOf } from './incoming.ts';
import { CloseCode, closeFrame, Opcode, WebSocketError, WebSocketReader, webSocketFrame } from './websocket-frames.ts';

/** Appended to the client's key (RFC 6455 §1.3). */
const handshakeGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** A client that is silent for two of these is gone. */
const pingIntervalMs = 30_000;
/** For the client's answer to the last frame. */
const closeTimeoutMs = 5_000;

export interface WebSocketOptions {
  /** The longest message taken. */
  readonly maxMessageBytes: number;
  /** Whether a page of this origin may have one, by this name of the server. */
  isAllowed(request: Pick<HttpRequest, 'headers' | 'secure'>): boolean;
}

/** Whether a request asks for a WebSocket, as this server has it: of the gateway, and of the protocol's one version. */
export function asksForWebSocket(request: IncomingMessage): boolean {
  const { method, url, headers } = request;
  return (
    method === 'GET' &&
    /^\/v3(?:beta)?\//.test(url ?? '') &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    headers['sec-websocket-version'] === '13' &&
    /^[A-Za-z0-9+/]{22}==$/.test(headers['sec-websocket-key'] ?? '')
  );
}

/**
 * Answers a request for which `asksForWebSocket`, until either side closes.
 *
 * @param head what the client has sent behind it
 */
export async function serveWebSocket(
  handler: HttpHandler,
  maxMessageBytes: number,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const protocols = request.headers['sec-websocket-protocol'] ?? '';
  const [, token] = /^\s*Bearer\s*,\s*(.*?)\s*$/.exec(protocols) ?? [];
  socket.write(handshake(request.headers['sec-websocket-key'] ?? '', token !== undefined));
  const connection = new WebSocketConnection(socket, maxMessageBytes);
  if (head.length > 0) connection.receive(head);
  const response = await answer(handler, {
    ...incomingOf(request),
    method: 'POST',
    ...(token !== undefined && { headers: { ...request.headers, authorization: `Bearer ${token}` } }),
    body: connection.messages(),
    signal: connection.signal,
  });
  await connection.sendLines(response);
  connection.close(CloseCode.normal);
}

function handshake(key: string, isBearer: boolean): string {
  const accept = createHash('sha1').update(`${key}${handshakeGuid}`).digest('base64');
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
  lines.push(`Sec-WebSocket-Accept: ${accept}`, ...(isBearer ? ['Sec-WebSocket-Protocol: Bearer'] : []));
  return `${lines.join('\r\n')}\r\n\r\n`;
}

class WebSocketConnection {
  private readonly socket: Duplex;
  private readonly reader: WebSocketReader;
  private readonly gone = new AbortController();
  private readonly waiting: Buffer[] = [];
  private wake: (() => void) | undefined;
  private isClosing = false;
  private isSilent = false;
  private readonly pings: NodeJS.Timeout;

  constructor(socket: Duplex, maxMessageBytes: number) {
    this.socket = socket;
    this.reader = new WebSocketReader(maxMessageBytes);
    this.pings = setInterval(() => this.ping(), pingIntervalMs);
    socket.on('data', (bytes: Buffer) => this.receive(bytes));
    socket.on('error', () => socket.destroy());
    // The client may go without the frame that says so.
    socket.once('end', () => this.end());
    socket.once('close', () => this.end());
  }

  /** Aborted when the client is gone, or closes. */
  get signal(): AbortSignal {
    return this.gone.signal;
  }

  receive(bytes: Buffer): void {
    this.isSilent = false;
    if (this.isClosing) return;
    try {
      this.reader.push(bytes, ({ kind, payload }) => {
        if (kind === 'message') this.waiting.push(payload);
        else if (kind === 'ping') this.pong(payload);
        else if (kind === 'close') this.close(CloseCode.normal);
      });
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      this.close(error.code, error.message);
    }
    // No more is read than the call that reads it has room for.
    if (this.waiting.length > 0) this.socket.pause();
    this.wake?.();
  }

  /** Each message and a line feed. @throws Error when the client is gone */
  async *messages(): AsyncGenerator<Buffer> {
    for (;;) {
      const message = this.waiting.shift();
      if (this.waiting.length === 0) this.socket.resume();
      if (message !== undefined) yield Buffer.concat([message, Buffer.from('\n')]);
      else if (this.signal.aborted) throw new Error('the client has closed the connection');
      else {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
    }
  }

  /** Sends each line as a message, as fast as the client takes them. */
  async sendLines({ body }: HttpResponse): Promise<void> {
    if (typeof body === 'string') {
      await this.sendText(body);
      return;
    }
    for await (const piece of body) {
      if (this.isClosing) return;
      await this.sendText(piece);
    }
  }

  /** Says that it is over, and gives the client a while to say so as well. Calling it again has no effect. */
  close(code: number, reason = ''): void {
    if (this.isClosing) return;
    this.isClosing = true;
    this.socket.resume();
    this.socket.end(closeFrame(code, reason));
    setTimeout(() => this.socket.destroy(), closeTimeoutMs).unref();
    this.end();
  }

  private async sendText(text: string): Promise<void> {
    let hasRoom = true;
    for (const line of text.split('\n')) {
      if (line !== '' && !this.isClosing) hasRoom = this.socket.write(webSocketFrame(Opcode.text, Buffer.from(line)));
    }
    if (hasRoom || this.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.socket.off('drain', done);
        this.signal.removeEventListener('abort', done);
        resolve();
      };
      this.socket.once('drain', done);
      this.signal.addEventListener('abort', done, { once: true });
    });
  }

  private ping(): void {
    // While nothing is read, silence means nothing; but a write to a client that has gone fails.
    if (!this.socket.isPaused()) {
      if (this.isSilent) this.socket.destroy();
      this.isSilent = true;
    }
    this.socket.write(webSocketFrame(Opcode.ping, Buffer.alloc(0)));
  }

  /** A client that reads nothing gets none: only the last ping wants an answer (RFC 6455 §5.5.3). */
  private pong(payload: Buffer): void {
    if (!this.socket.writableNeedDrain) this.socket.write(webSocketFrame(Opcode.pong, payload));
  }

  private end(): void {
    clearInterval(this.pings);
    this.gone.abort();
    this.wake?.();
    if (!this.isClosing) this.socket.destroy();
  }
}
