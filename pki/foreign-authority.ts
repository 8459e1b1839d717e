/** Whether an authority that was made elsewhere can take the place of one of ours. */
import { type CertifiedKey, signer } from './authority.ts';
import { PkiError } from './errors.ts';
import { type CertificateFacts, inspect, parseCertificate } from './inspect.ts';
import { describeKey } from './keys.ts';
import { splitPem } from './verify.ts';

/**
 * Checks all that members and clients will ask of it later, when the answer would be a bare TLS alert.
 * @param authority with its key in the clear
 * @returns what it says
 * @throws PkiError PKI_PEM, PKI_AUTHORITY with the reason, PKI_INPUT for a kind of key that is not supported
 */
export function checkForeignAuthority(authority: CertifiedKey, now: Date): CertificateFacts {
  if (splitPem(authority.certificate).length > 1) {
    throw new PkiError('PKI_AUTHORITY', 'the file holds several certificates', {
      advice: 'give the one of the authority alone: whatever else is in the file would be trusted too',
    });
  }
  const x509 = parseCertificate(authority.certificate);
  const facts = inspect(x509);
  if (facts.keyUsage.length > 0 && !facts.keyUsage.includes('keyCertSign')) {
    const usage = facts.keyUsage.join(', ');
    throw new PkiError('PKI_AUTHORITY', `${facts.subject} may not sign certificates: its key usage is ${usage}`);
  }
  if (facts.keyUsage.length > 0 && !facts.keyUsage.includes('cRLSign')) {
    throw new PkiError('PKI_AUTHORITY', `${facts.subject} may not sign revocation lists: its key usage lacks cRLSign`);
  }
  const { key } = signer(authority, now);
  describeKey(key);
  if (!x509.checkIssued(x509) || !x509.verify(x509.publicKey)) {
    throw new PkiError('PKI_AUTHORITY', `${facts.subject} is an intermediate authority, issued by ${facts.issuer}`, {
      advice:
        'use a self-signed one: most verifiers would have to trust its root, and with it everybody whom that root certifies',
    });
  }
  if (facts.subjectKeyId === undefined) {
    throw new PkiError('PKI_AUTHORITY', `${facts.subject} has no subject key identifier`, {
      advice: 'make it anew with one (openssl: subjectKeyIdentifier=hash): strict verifiers refuse what it signs',
    });
  }
  return facts;
}
