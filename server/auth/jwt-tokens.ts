/** JSON Web Tokens (RFC 7519) with the claims `username`, `revision` and `exp`, as upstream makes and reads them. */
import { constants, createHmac, type KeyObject, sign, timingSafeEqual, verify } from 'node:crypto';
import { Code, EtcdError } from '../errors/etcd-error.ts';
import type { AuthInfo } from './auth-info.ts';
import type { TokenProvider } from './tokens.ts';

/** The algorithms of RFC 7518 §3.1, and that of RFC 8037 §3.1. */
export const jwtMethods = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'HS256', 'HS384', 'HS512', 'EdDSA'],
] as const;

/** What signs and what checks; equal for HMAC. Without a key to sign with, tokens are only checked. */
export interface JwtKeys {
  readonly signing: KeyObject | undefined;
  readonly checking: KeyObject;
}

/** Longer tokens are none that a member made: names are shorter than this. */
const maxTokenLength = 16 * 1024;

/**
 * Tokens that carry their own proof: members keep nothing, but for the same reason they cannot be taken back. They hold
 * the auth revision of their making, and any change of users and roles makes them old (contract: api.md §2.7).
 */
export class JwtTokens implements TokenProvider {
  private readonly method: string;
  private readonly keys: JwtKeys;
  private readonly ttlMs: number;
  private readonly now: () => number;

  /**
   * @param method one of `jwtMethods`, which fits the keys
   * @param now Unix time in milliseconds
   */
  constructor(method: string, keys: JwtKeys, ttlMs: number, now: () => number = Date.now) {
    this.method = method;
    this.keys = keys;
    this.ttlMs = ttlMs;
    this.now = now;
  }

  enable(): void {}
  disable(): void {}
  invalidateUser(): void {}

  newPrefix(): string {
    return '';
  }

  assign(username: string, revision: number): string {
    const { signing } = this.keys;
    if (signing === undefined) throw new EtcdError(Code.Unknown, 'auth: token signing attempted with verify-only key');
    const exp = Math.floor((this.now() + this.ttlMs) / 1000);
    const content = `${encode({ alg: this.method, typ: 'JWT' })}.${encode({ exp, revision, username })}`;
    return `${content}.${signatureOf(this.method, signing, Buffer.from(content)).toString('base64url')}`;
  }

  knownFrom(): number {
    return 0;
  }

  find(token: string): AuthInfo | undefined {
    const parts = token.length > maxTokenLength ? [] : token.split('.');
    const [header, claims, signature] = parts as [string, string, string];
    if (parts.length !== 3) return undefined;
    // The method is this server's choice and never the token's: else a public key could pass for a secret.
    if (decode(header)?.alg !== this.method) return undefined;
    const content = Buffer.from(`${header}.${claims}`);
    if (!isSignature(this.method, this.keys.checking, content, Buffer.from(signature, 'base64url'))) return undefined;
    return this.authInfo(decode(claims));
  }

  private authInfo(claims: Record<string, unknown> | undefined): AuthInfo | undefined {
    const { username, revision, exp, nbf, iat } = claims ?? {};
    if (typeof username !== 'string' || typeof revision !== 'number') return undefined;
    if (!Number.isSafeInteger(revision) || revision < 0) return undefined;
    const nowSeconds = Math.floor(this.now() / 1000);
    if (exp !== undefined && !(typeof exp === 'number' && nowSeconds < exp)) return undefined;
    for (const from of [nbf, iat]) {
      if (from !== undefined && !(typeof from === 'number' && from <= nowSeconds)) return undefined;
    }
    return { username, revision };
  }
}

/** `EdDSA` names its digest itself. */
function digestOf(method: string): string | null {
  return method === 'EdDSA' ? null : `sha${method.slice(2)}`;
}

function signingOptions(method: string, key: KeyObject) {
  if (method.startsWith('PS')) {
    return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  }
  return method.startsWith('ES') ? { key, dsaEncoding: 'ieee-p1363' as const } : { key };
}

function signatureOf(method: string, key: KeyObject, content: Buffer): Buffer {
  if (method.startsWith('HS'))
    return createHmac(digestOf(method) as string, key)
      .update(content)
      .digest();
  return sign(digestOf(method), content, signingOptions(method, key));
}

function isSignature(method: string, key: KeyObject, content: Buffer, signature: Buffer): boolean {
  if (method.startsWith('HS')) {
    const expected = signatureOf(method, key, content);
    return expected.length === signature.length && timingSafeEqual(expected, signature);
  }
  const options = signingOptions(method, key);
  // A PSS signature may bring its own salt length.
  if ('saltLength' in options) options.saltLength = constants.RSA_PSS_SALTLEN_AUTO;
  return verify(digestOf(method), content, options, signature);
}

function encode(part: Record<string, unknown>): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

function decode(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
