/** Finds out who sends a request (contract: api.md §2.7). What the user may do is for `auth/` to say. */
import { type Asker, type AuthStore, rootName } from '../auth/mod.ts';
import type { Logger } from '../base/logger.ts';
import { errInvalidAuthToken } from '../errors/etcd-error.ts';
import type { RequestHeader } from '../proto/gen/raft_internal.ts';
import { commonName } from '../tls/server-tls.ts';
import { asItself, type Caller } from './etcd-member.ts';
import type { AppliedIndexWaiters } from './pending.ts';

export interface GatekeeperOptions {
  /** Another one after a snapshot was installed. */
  auth(): AuthStore;
  applied: AppliedIndexWaiters;
  /** How long a token may be waited for that this member does not know yet. */
  timeoutMs: number;
  /** Whether the common name of a client's verified certificate names a user. */
  clientCertAuth: boolean;
  log: Logger;
}

export class Gatekeeper {
  private readonly options: GatekeeperOptions;

  constructor(options: GatekeeperOptions) {
    this.options = options;
  }

  /**
   * @returns nothing while authentication is off: then nobody need wait; an asker that is undefined when the caller
   *   does not say who it is
   * @throws EtcdError Unauthenticated for a token that is not valid, Unavailable when this member is too far behind to
   *   tell
   */
  identify(caller: Caller | undefined): Promise<Asker> | undefined {
    return this.options.auth().enabled ? this.recognize(caller) : undefined;
  }

  /** A token counts before a certificate: who brings both is the user of the token. */
  private async recognize(caller: Caller | undefined): Promise<Asker> {
    if (caller === undefined) return undefined;
    if (caller === asItself) return { username: rootName, revision: this.options.auth().revision };
    const token = caller.metadata('token') ?? caller.metadata('authorization');
    return token === undefined ? this.fromCertificate(caller) : this.fromToken(firstOf(token));
  }

  private async fromToken(token: string): Promise<Asker> {
    const { applied, auth, log, timeoutMs } = this.options;
    const index = auth().tokenKnownFrom(token);
    // The login may have been answered by a member that is ahead of this one.
    if (index !== undefined && !applied.has(index)) await applied.wait(index, timeoutMs);
    const asker = index === undefined ? undefined : auth().userOfToken(token);
    if (asker === undefined) {
      log.warn('invalid auth token');
      throw errInvalidAuthToken();
    }
    return asker;
  }

  /** What comes through a gateway shows the gateway's certificate, which is nobody's name. */
  private fromCertificate(caller: Caller): Asker {
    const { auth, clientCertAuth, log } = this.options;
    const certificate = clientCertAuth ? caller.peerCertificate() : undefined;
    if (certificate === undefined) return undefined;
    if (caller.metadata('grpcgateway-accept') !== undefined) {
      log.warn('ignoring common name in gRPC-gateway proxy request', { 'user-name': commonName(certificate) ?? '' });
      return undefined;
    }
    return { username: commonName(certificate) ?? '', revision: auth().revision };
  }
}

/** What a request carries through the log of whoever asks. */
export function headerOf(asker: Asker): { header?: RequestHeader } {
  if (asker === undefined) return {};
  return { header: { ID: 0n, username: asker.username, auth_revision: asker.revision } };
}

/** Headers that were sent more than once are joined with commas, which no token contains. */
function firstOf(values: string): string {
  return values.split(',', 1)[0] as string;
}
