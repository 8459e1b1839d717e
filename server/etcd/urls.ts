/** URLs as etcd's flags take them: scheme and `host:port`, nothing else (contract: api.md §5.2). */
import { isIP } from 'node:net';

const schemes = new Set(['http', 'https', 'unix', 'unixs']);

/** A checked URL of a listener or of an advertised address. */
export interface EtcdUrl {
  /** As it is logged and advertised, such as `https://10.0.0.1:2379`. */
  readonly href: string;
  readonly scheme: 'http' | 'https' | 'unix' | 'unixs';
  /** Without the brackets of an IPv6 address. */
  readonly hostname: string;
  readonly port: string;
  /** `host:port` as written, which is the socket's path for `unix` and `unixs`. */
  readonly host: string;
  readonly secure: boolean;
}

/**
 * Reads one URL.
 *
 * @throws Error with upstream's text, such as `URL must not contain a path: http://a:1/b`
 */
export function parseUrl(text: string): EtcdUrl {
  const trimmed = text.trim();
  const match = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\/([^/?#]*)([\s\S]*)$/.exec(trimmed);
  const scheme = (match?.[1] ?? '').toLowerCase();
  if (match === null || !schemes.has(scheme)) {
    throw new Error(`URL scheme must be http, https, unix, or unixs: ${trimmed}`);
  }
  const host = match[2] ?? '';
  const rest = match[3] ?? '';
  if (scheme.startsWith('unix')) return build(trimmed, scheme, `${host}${rest}`, host, '');
  const address = /^(?:\[([^\]]*)\]|([^:]*)):([^:]*)$/.exec(host);
  if (address === null) throw new Error(`URL address does not have the form "host:port": ${trimmed}`);
  const port = address[3] ?? '';
  if (!/^\d+$/.test(port) || Number(port) > 65535) {
    throw new Error(`parse "${trimmed}": invalid port ":${port}" after host`);
  }
  if (rest !== '') throw new Error(`URL must not contain a path: ${trimmed}`);
  return build(`${scheme}://${host}`, scheme, host, address[1] ?? address[2] ?? '', port);
}

function build(href: string, scheme: string, host: string, hostname: string, port: string): EtcdUrl {
  return { href, scheme: scheme as EtcdUrl['scheme'], host, hostname, port, secure: /s$/.test(scheme) };
}

/**
 * Reads a comma-separated list of URLs and sorts it, as upstream keeps its lists.
 *
 * @throws Error with upstream's text when one of them is not a URL
 */
export function parseUrls(text: string): EtcdUrl[] {
  return text
    .split(',')
    .map(parseUrl)
    .sort((a, b) => (a.href < b.href ? -1 : a.href > b.href ? 1 : 0));
}

/**
 * Checks URLs that sockets are bound to: only IP addresses and `localhost` are unambiguous.
 *
 * @throws Error `expected IP in URL for binding (URL)`
 */
export function checkBindUrls(urls: readonly EtcdUrl[]): void {
  for (const { scheme, hostname, href } of urls) {
    if (scheme.startsWith('unix') || hostname === 'localhost') continue;
    if (isIP(hostname) === 0) throw new Error(`expected IP in URL for binding (${href})`);
  }
}

/**
 * Checks URLs that others will dial.
 *
 * @param flag the flag that named them, for the message
 * @throws Error `--FLAG "URLS" must be "host:port" (unexpected empty host (URL))`
 */
export function checkHostUrls(flag: string, urls: readonly EtcdUrl[]): void {
  for (const { host, hostname, href } of urls) {
    if (host === '' || (hostname === '' && host.startsWith(':'))) {
      throw new Error(`--${flag} "${joinUrls(urls)}" must be "host:port" (unexpected empty host (${href}))`);
    }
  }
}

/** The list as a flag would be given it. */
export function joinUrls(urls: readonly EtcdUrl[]): string {
  return urls.map((url) => url.href).join(',');
}
