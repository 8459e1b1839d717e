/** What a client shows instead of its password, once it has logged in. */
import { randomInt } from 'node:crypto';
import type { AuthInfo } from './auth-info.ts';

export interface TokenProvider {
  /** Authentication was switched on, or the state of a running cluster was taken over. */
  enable(): void;
  /** Authentication was switched off: nothing that was given out is valid any more. */
  disable(): void;
  /** The part of a token that its members cannot compute: it is chosen once and travels through the log. */
  newPrefix(): string;
  /**
   * Gives a user a token, when the request for it is applied.
   *
   * @param prefix what `newPrefix` gave whoever proposed the request
   * @param index of the last applied entry, the same on every member
   * @throws EtcdError when this member cannot make tokens
   */
  assign(username: string, revision: number, prefix: string, index: number): string;
  /** A user has gone or has another password. */
  invalidateUser(username: string): void;
  /** The entry that must be applied before `find` can know the token; undefined when it is none of this provider's. */
  knownFrom(token: string): number | undefined;
  /** @param revision the auth store's, now */
  find(token: string, revision: number): AuthInfo | undefined;
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const prefixLength = 16;
const defaultTtlMs = 300_000;

/**
 * Random tokens that every member keeps in memory, until they have not been used for some time (contract: api.md
 * §2.7). Each costs a login, so that their number is bounded by the logins of one time to live.
 */
export class SimpleTokens implements TokenProvider {
  private readonly ttlMs: number;
  private readonly now: () => number;
  /** In the order of their expiry, since all live equally long. */
  private readonly live = new Map<string, { username: string; expiresMs: number }>();
  private enabled = false;

  /**
   * @param ttlMs how long a token lives unused; five minutes for 0 and less, as upstream has it: tokens that expire at
   *   once would let nobody in
   * @param now milliseconds of a clock that never goes back
   */
  constructor(ttlMs: number, now: () => number = () => performance.now()) {
    this.ttlMs = ttlMs > 0 ? ttlMs : defaultTtlMs;
    this.now = now;
  }

  enable(): void {
    this.enabled = true;
  }

  disable(): void {
    this.enabled = false;
    this.live.clear();
  }

  newPrefix(): string {
    return Array.from({ length: prefixLength }, () => letters[randomInt(letters.length)]).join('');
  }

  assign(username: string, _revision: number, prefix: string, index: number): string {
    const token = `${prefix}.${index}`;
    this.forgetExpired();
    if (this.enabled) this.live.set(token, { username, expiresMs: this.now() + this.ttlMs });
    return token;
  }

  invalidateUser(username: string): void {
    for (const [token, { username: owner }] of this.live) if (owner === username) this.live.delete(token);
  }

  knownFrom(token: string): number | undefined {
    const parts = /^[^.]*\.([0-9]{1,15})$/.exec(token);
    // The login's own entry comes after the one that its token names, and only with it is the token here.
    return parts === null ? undefined : Number(parts[1]) + 1;
  }

  find(token: string, revision: number): AuthInfo | undefined {
    this.forgetExpired();
    const found = this.live.get(token);
    if (found === undefined) return undefined;
    // To the end of the order: its time begins anew.
    this.live.delete(token);
    this.live.set(token, { username: found.username, expiresMs: this.now() + this.ttlMs });
    return { username: found.username, revision };
  }

  private forgetExpired(): void {
    const now = this.now();
    for (const [token, { expiresMs }] of this.live) {
      if (expiresMs > now) return;
      this.live.delete(token);
    }
  }
}

/** No tokens at all: users are recognised by their certificates, or not. */
export class NoTokens implements TokenProvider {
  enable(): void {}
  disable(): void {}
  invalidateUser(): void {}

  newPrefix(): string {
    return '';
  }

  assign(): string {
    return '';
  }

  knownFrom(): undefined {
    return undefined;
  }

  find(): undefined {
    return undefined;
  }
}
