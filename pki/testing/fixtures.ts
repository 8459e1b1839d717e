/** A public key infrastructure whose clock and serial numbers stand still. */
import {
  type CertificateRequest,
  type CertifiedKey,
  createAuthority,
  issue,
  type Sources,
  systemSources,
} from '../mod.ts';

export const day = 86_400_000;
export const now = new Date('2026-11-20T12:00:00Z');
export const sources: Sources = {
  ...systemSources,
  now: () => now,
  randomBytes: (size) => new Uint8Array(size).fill(0xa5),
};

export function authority(commonName = 'test authority', validityMs = 365 * day): CertifiedKey {
  return createAuthority({ commonName, validityMs }, sources);
}

/** A server certificate for node1 on 127.0.0.1, unless said otherwise. */
export function leaf(issuer: CertifiedKey, change: Partial<CertificateRequest> = {}, from = sources): CertifiedKey {
  return issue(
    issuer,
    {
      profile: 'server',
      commonName: 'node1',
      dnsNames: ['localhost', 'node1'],
      ipAddresses: ['127.0.0.1'],
      validityMs: 30 * day,
      ...change,
    },
    from,
  );
}
