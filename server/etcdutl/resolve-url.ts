/** Tells whether two URLs lead to the same place though they are spelt differently. */
import dns from 'node:dns/promises';
import net from 'node:net';

/** Puts an address in place of the host name. @throws Error when the name does not resolve */
export async function resolveUrl(url: string): Promise<string> {
  const parsed = new URL(url);
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  // `localhost` stays as it is, as with upstream: it stands for two addresses.
  if (host === '' || host === 'localhost' || net.isIP(host) !== 0) return url;
  const { address, family } = await dns.lookup(host);
  parsed.hostname = family === 6 ? `[${address}]` : address;
  return parsed.toString().replace(/\/$/, '');
}
