/**
 * A certificate authority in-process, for etcd: authorities, certificates of members and clients, and reasons.
 *
 * ```ts
 * const authority = createAuthority({ commonName: 'my CA', validityMs: 365 * 86_400_000 }, systemSources);
 * const server = issue(
 *   authority,
 *   { profile: 'server', commonName: 'node1', ipAddresses: ['127.0.0.1'], validityMs: 30 * 86_400_000 },
 *   systemSources,
 * );
 * verify({ certificate: server.certificate, authorities: [authority.certificate], at: new Date(), host: '127.0.0.1' });
 * ```
 *
 * Nothing here touches files, the clock or the random generator; `store.ts` keeps certificates in a folder.
 */
export {
  type AuthorityRequest,
  type CertificateRequest,
  type CertifiedKey,
  certificateAlgorithm,
  createAuthority,
  issue,
} from './authority.ts';
export { encryptKey, minPassphraseLength } from './encrypted-key.ts';
export { PkiError, type PkiErrorCode } from './errors.ts';
export { checkForeignAuthority } from './foreign-authority.ts';
export { type CertificateFacts, inspect } from './inspect.ts';
export {
  type AuthorityAlgorithm,
  isEncryptedKey,
  type KeyAlgorithm,
  keyFromPem,
  keyToPem,
  type Sources,
  systemSources,
} from './keys.ts';
export { assertDnsName, canonicalAddress, type Subject } from './names.ts';
export type { Profile } from './profiles.ts';
export {
  createRevocationList,
  isSignedBy,
  parseRevocationList,
  type RevocationListFacts,
  type RevocationListRequest,
  type RevocationReason,
  type RevokedCertificate,
  revocationReasons,
} from './revocation-list.ts';
export { type Passphrase, PkiStore } from './store.ts';
export { type Problem, type ProblemCode, splitPem, type VerifyOptions, verify } from './verify.ts';
