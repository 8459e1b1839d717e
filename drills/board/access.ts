/** Who may read the board. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

/** @returns whether nobody but this machine reaches the address */
export function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(address);
}

/**
 * A page of somebody else's may point a name of its own at this machine (DNS rebinding) and read what the browser
 * fetches under it. An address cannot be pointed elsewhere, and neither can the names that are known here.
 * @param host the header, with or without a port, which differs where one comes through a tunnel
 * @param names that this machine goes by
 */
export function isOwnHost(host: string | undefined, names: readonly string[]): boolean {
  const name = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::\d{1,5})?$/.exec(host ?? '')?.[1];
  if (name === undefined) return false;
  return isIP(name.replace(/^\[|\]$/g, '')) !== 0 || [...names, 'localhost'].includes(name.toLowerCase());
}

/** @returns whether another site's page has asked; browsers say so (Fetch Metadata), other clients say nothing */
export function isForeignSite({ 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

/** What one must have to read a board that others can reach. */
export class AccessToken {
  /** 128 bits, for the fragment of the address: browsers do not send that. */
  readonly value = randomBytes(16).toString('base64url');
  /** What the browser keeps instead: who finds it does not have the token. */
  private readonly cookieValue = digest(`cookie of ${this.value}`).toString('base64url');
  private readonly cookieName: string;

  /** @param port cookies of a host are shared by all its ports */
  constructor(port: number) {
    this.cookieName = `etcdlab-board-${port}`;
  }

  /** @returns whether the request brings the token, or the cookie that was given for it */
  admits({ authorization, cookie }: IncomingHttpHeaders): boolean {
    const bearer = /^Bearer (\S+)$/.exec(authorization ?? '')?.[1];
    if (bearer !== undefined) return isEqual(bearer, this.value);
    const found = (cookie ?? '').split(/; */).find((pair) => pair.startsWith(`${this.cookieName}=`));
    return found !== undefined && isEqual(found.slice(this.cookieName.length + 1), this.cookieValue);
  }

  /** For whoever has brought the token. */
  get setCookie(): string {
    return `${this.cookieName}=${this.cookieValue}; HttpOnly; SameSite=Strict; Path=/; Max-Age=86400`;
  }
}

/** Takes the same time whatever differs. */
function isEqual(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
