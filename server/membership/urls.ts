/** The URLs that members are reached by: scheme, host and port, and nothing else (contract: api.md §2.8, §5.3). */
import { compareBytes } from './ids.ts';

/** Thrown for a URL, or a cluster made of URLs, that cannot be used. The text is upstream's. */
export class ClusterConfigError extends Error {
  override readonly name = 'ClusterConfigError';
}

const schemes = new Set(['http', 'https', 'unix', 'unixs']);

/**
 * Checks a list of peer or client URLs.
 *
 * @returns the URLs, trimmed and sorted, the scheme in lower case
 * @throws ClusterConfigError at the first URL that is not scheme://host:port
 */
export function parseUrls(urls: readonly string[]): string[] {
  if (urls.length === 0) throw new ClusterConfigError('no valid URLs given');
  return urls.map(parseUrl).sort(compareBytes);
}

function parseUrl(given: string): string {
  const url = given.trim();
  const [, scheme = '', host = '', rest = ''] = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)(.*)$/s.exec(url) ?? [];
  if (!schemes.has(scheme.toLowerCase())) {
    throw new ClusterConfigError(`URL scheme must be http, https, unix, or unixs: ${url}`);
  }
  const address = splitHostPort(host);
  if (address === undefined) {
    throw new ClusterConfigError(`URL address does not have the form "host:port": ${url}`);
  }
  const isUnix = scheme.toLowerCase().startsWith('unix');
  if (!isUnix && (!/^\d{1,5}$/.test(address.port) || Number(address.port) > 65535)) {
    throw new ClusterConfigError(`parse "${url}": invalid port ":${address.port}" after host`);
  }
  if (/[\s<>"@]/.test(host)) throw new ClusterConfigError(`parse "${url}": invalid character in host name`);
  if (rest.startsWith('/')) throw new ClusterConfigError(`URL must not contain a path: ${url}`);
  if (rest !== '') throw new ClusterConfigError(`URL must be scheme://host:port and nothing more: ${url}`);
  return `${scheme.toLowerCase()}://${host}`;
}

/** Splits `host:port` or `[v6]:port` at the last colon. @returns undefined when it has not that form */
export function splitHostPort(address: string): { host: string; port: string } | undefined {
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([^:[\]]*)$/.exec(address);
  return match === null ? undefined : { host: match[1] ?? match[2] ?? '', port: match[3] ?? '' };
}
