/** Which web pages and which host names may speak to the client port (contract: api.md §4.1). */
import { isIP } from 'node:net';
import { type HttpHandler, type HttpRequest, plainText } from './exchange.ts';

export interface AccessRule {
  /** Origins, or `*`; none is like `*`. */
  readonly cors: readonly string[];
  /** Host names, or `*`; none is like `*`. Only looked at on plaintext, where another name means a rebound DNS. */
  readonly hostWhitelist: readonly string[];
}

/** Puts the rule in front of a handler. */
export function withAccessRule(rule: AccessRule, handler: HttpHandler): HttpHandler {
  return async (request) => {
    if (!hostAllowed(rule.hostWhitelist, request)) {
      return plainText(421, 'Host in the request is not in --host-whitelist of this etcd server');
    }
    const headers = corsHeaders(rule.cors, request);
    if (request.method === 'OPTIONS') return { status: 200, headers, body: '' };
    const response = await handler(request);
    return { ...response, headers: { ...response.headers, ...headers } };
  };
}

/** Whether a page may open a WebSocket: browsers let any page try, with the user's certificate, and leave it to the server. */
export function mayOpenWebSocket(rule: AccessRule, request: Pick<HttpRequest, 'headers' | 'secure'>): boolean {
  const { origin } = request.headers;
  return hostAllowed(rule.hostWhitelist, request) && (origin === undefined || originAllowed(rule.cors, String(origin)));
}

function originAllowed(allowed: readonly string[], origin: string): boolean {
  return allowed.length === 0 || allowed.includes('*') || allowed.includes(origin);
}

function corsHeaders(allowed: readonly string[], request: HttpRequest): Record<string, string> {
  const origin = String(request.headers.origin ?? '');
  if (!originAllowed(allowed, origin)) return {};
  const all = allowed.length === 0 || allowed.includes('*');
  return {
    'access-control-allow-methods': 'POST, GET, OPTIONS, PUT, DELETE',
    'access-control-allow-origin': all ? '*' : origin,
    'access-control-allow-headers': 'accept, content-type, authorization',
  };
}

function hostAllowed(
  allowed: readonly string[],
  { secure, headers }: Pick<HttpRequest, 'headers' | 'secure'>,
): boolean {
  if (secure || allowed.length === 0 || allowed.includes('*')) return true;
  const host = String(headers.host ?? '').replace(/:\d+$/, '');
  // An address names no host, so no name has been rebound to it.
  return allowed.includes(host) || isIP(host.replace(/^\[|\]$/g, '')) !== 0;
}
