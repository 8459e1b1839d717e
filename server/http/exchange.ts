/** An HTTP request and its answer, apart from the version of HTTP that carries them. */
import type { X509Certificate } from 'node:crypto';

export interface HttpRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Whether it came over TLS. */
  readonly secure: boolean;
  /** `address:port` of the client. */
  readonly remoteAddress: string;
  /** The client's verified certificate; not there over plaintext. */
  readonly peerCertificate?: (() => X509Certificate | undefined) | undefined;
  /** Can be read once; what is left over is dropped. It throws when the client goes. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The whole body, or the pieces of one that goes on; those are asked for only as fast as the client takes them. */
  readonly body: string | AsyncIterable<string>;
}

/** Answers every request; it never rejects. */
export type HttpHandler = (request: HttpRequest) => Promise<HttpResponse>;

/**
 * Takes apart what stands in the request line.
 *
 * @returns undefined when the path is not well encoded
 */
export function splitTarget(target: string): { path: string; query: URLSearchParams } | undefined {
  const mark = target.indexOf('?');
  const encoded = mark < 0 ? target : target.slice(0, mark);
  try {
    return { path: decodeURIComponent(encoded), query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)) };
  } catch {
    return undefined;
  }
}

export type Incoming = Omit<HttpRequest, 'path' | 'query'> & { readonly target: string };

/** Hands a request to its handler, unless its target cannot be read. */
export async function answer(handler: HttpHandler, { target, ...rest }: Incoming): Promise<HttpResponse> {
  const split = splitTarget(target);
  if (split === undefined) return plainText(400, '400 Bad Request');
  return handler({ ...split, ...rest });
}

/** Plain text as Go's http.Error and its followers write it: with a line feed, never sniffed for another type. */
export function plainText(status: number, text: string, headers: Record<string, string> = {}): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff', ...headers },
    body: `${text}\n`,
  };
}
