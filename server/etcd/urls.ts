/** URLs as etcd's flags take them: scheme and `host:port`, nothing else (contract: api.md §5.2). */
import { isIP } from 'node:net';
import { parseUrls as checkUrls, splitHostPort } from '../membership/mod.ts';

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
 * Reads one URL. Behind `unix://` and `unixs://` everything is the socket's path.
 *
 * @throws Error with upstream's text, such as `URL must not contain a path: http://a:1/b`
 */
export function parseUrl(text: string): EtcdUrl {
  const unix = /^(unixs?):\/\/(.+)$/.exec(text.trim());
  if (unix !== null) {
    const [href, scheme, path] = unix as unknown as [string, EtcdUrl['scheme'], string];
    return { href, scheme, host: path, hostname: path, port: '', secure: scheme === 'unixs' };
  }
  const [href] = checkUrls([text]) as [string];
  const [scheme, address] = href.split('://') as [EtcdUrl['scheme'], string];
  const { host, port } = splitHostPort(address) as { host: string; port: string };
  return { href, scheme, host: address, hostname: host, port, secure: scheme === 'https' };
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
