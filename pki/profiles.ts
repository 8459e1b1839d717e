/** What a certificate may be used for. */

/**
 * - `server`: a member's client port. Also valid as a client, since etcd's HTTP gateway dials the member's own port
 *   with this very certificate (field experience: without it the gateway is dead while /health says true).
 * - `peer`: a member's peer port, and its connections to the others.
 * - `client`: users and programs.
 */
export type Profile = 'server' | 'peer' | 'client';

export const serverAuth = '1.3.6.1.5.5.7.3.1';
export const clientAuth = '1.3.6.1.5.5.7.3.2';

/** Extended key usages by profile (RFC 5280 §4.2.1.12). */
export const usagesOf: Readonly<Record<Profile, readonly string[]>> = {
  server: [serverAuth, clientAuth],
  peer: [serverAuth, clientAuth],
  client: [clientAuth],
};
