/** Carries exchanges over HTTP/2. */
import { ErrorCode, type HeaderField, type ServerStream, type StreamHandler } from '../h2/mod.ts';
import { answer, type HttpHandler, type HttpRequest, type HttpResponse } from './exchange.ts';

type Peer = Pick<HttpRequest, 'secure' | 'remoteAddress' | 'peerCertificate'>;

/** Answers one request of HTTP/2. @returns what the stream is to tell */
export function serveHttp2(handler: HttpHandler, stream: ServerStream, peer: Peer): StreamHandler {
  const exchange = new Http2Exchange(stream);
  const { head } = stream;
  const request = {
    ...{ ...peer, method: head.method, target: head.path },
    headers: headersOf(stream),
    body: exchange.body(),
    signal: exchange.gone.signal,
  };
  answer(handler, request)
    .then((response) => exchange.respond(response))
    .catch(() => stream.reset(ErrorCode.INTERNAL_ERROR));
  return exchange;
}

/** Several fields of one name are joined (RFC 9110 §5.3). In one pass: their number is the client's choice. */
function headersOf({ head }: ServerStream): Record<string, string> {
  const headers = new Map<string, string>();
  if (head.authority !== undefined) headers.set('host', head.authority);
  for (const { name, value } of head.fields) {
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ', '}${value}`);
  }
  return Object.fromEntries(headers);
}

const copyLimitBytes = 4096;

class Http2Exchange implements StreamHandler {
  readonly gone = new AbortController();
  private readonly stream: ServerStream;
  private received: Uint8Array[] = [];
  private hasEnded = false;
  /** Wakes whoever waits for the next part of the body, or for room. */
  private wakeReader: () => void = () => {};
  private wakeWriter: () => void = () => {};

  constructor(stream: ServerStream) {
    this.stream = stream;
  }

  data(bytes: Uint8Array): void {
    // A view of few bytes would hold on to the whole read that it came with.
    this.received.push(bytes.length < copyLimitBytes ? Uint8Array.from(bytes) : bytes);
    this.wakeReader();
  }

  end(): void {
    this.hasEnded = true;
    this.wakeReader();
  }

  reset(): void {
    this.gone.abort();
    this.wakeReader();
    this.wakeWriter();
  }

  drain(): void {
    this.wakeWriter();
  }

  /** The body as it comes; the client may send on as it is read. */
  async *body(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const bytes = this.received.shift();
      if (bytes !== undefined) {
        this.stream.consumed(bytes.length);
        yield bytes;
      } else if (this.gone.signal.aborted) {
        throw new Error('the client has gone');
      } else if (this.hasEnded) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.wakeReader = resolve;
        });
      }
    }
  }

  async respond({ status, headers, body }: HttpResponse): Promise<void> {
    const fields: HeaderField[] = [{ name: ':status', value: String(status) }];
    // An answer to HEAD has the fields of one to GET, and no body (RFC 9110 §9.3.2).
    const isHead = this.stream.head.method === 'HEAD';
    for (const [name, value] of Object.entries(headers)) fields.push({ name: name.toLowerCase(), value });
    if (typeof body === 'string') {
      const bytes = Buffer.from(body);
      fields.push({ name: 'content-length', value: String(bytes.length) });
      this.stream.respond(fields, bytes.length === 0 || isHead);
      this.stream.data(bytes, true);
    } else if (isHead) {
      this.stream.respond(fields, true);
      await body[Symbol.asyncIterator]().return?.();
    } else {
      this.stream.respond(fields);
      for await (const piece of body) {
        if (this.stream.isClosed) return;
        if (!this.stream.data(Buffer.from(piece))) await this.room();
      }
      this.stream.data(Buffer.alloc(0), true);
    }
  }

  private room(): Promise<void> {
    return new Promise((resolve) => {
      if (this.gone.signal.aborted) resolve();
      else this.wakeWriter = resolve;
    });
  }
}
