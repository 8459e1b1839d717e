/** The revocation lists of a lab's authorities. Members read them at every connection. */
import {
  type CertifiedKey,
  createRevocationList,
  inspect,
  PkiError,
  type PkiStore,
  parseRevocationList,
  type RevokedCertificate,
  type Sources,
} from '../../pki/mod.ts';
import { LabError } from '../errors.ts';
import type { AuthorityName } from './authority-names.ts';

/** A list of more than this is one that something else than a lab fills. */
const maxRevoked = 10_000;

/**
 * Signs the authority's revocation list anew, with what is on it already.
 * @param revoked what comes onto it
 * @throws LabError LAB_PKI_REFUSED beyond 10,000 certificates
 */
export async function updateRevocationList(
  store: PkiStore,
  name: AuthorityName,
  revoked: readonly RevokedCertificate[],
  sources: Sources,
): Promise<void> {
  const signer = (await store.loadSigner(name)) as CertifiedKey;
  const before = await readRevocationList(store, name);
  const known = new Set(before.entries.map(({ serial }) => serial));
  const entries = [...before.entries, ...revoked.filter(({ serial }) => !known.has(serial))];
  if (entries.length > maxRevoked) {
    throw new LabError(
      'LAB_PKI_REFUSED',
      `${store.revocationListPath(name)} would hold more than ${maxRevoked} entries`,
      {
        advice: 'etcdlab certs rotate-ca makes a new authority: what the old one has issued is worthless then',
      },
    );
  }
  // Due when the authority ends, not before: members do not look at the date, and a strict verifier would refuse all
  // certificates of a lab that nobody came back to in time.
  const validityMs = Math.max(1000, inspect(signer.certificate).notAfter.getTime() - sources.now().getTime());
  const der = createRevocationList(signer, { entries, number: before.number + 1n, validityMs }, sources);
  await store.saveRevocationList(name, der);
}

/**
 * @returns what the authority has revoked; nothing if it has no list yet
 * @throws LabError LAB_PKI_REFUSED if the list is damaged
 */
export async function readRevocationList(
  store: PkiStore,
  name: AuthorityName,
): Promise<{ entries: readonly RevokedCertificate[]; number: bigint }> {
  const der = await store.readRevocationList(name);
  if (der === undefined) return { entries: [], number: 0n };
  try {
    const { entries, number = 0n } = parseRevocationList(der);
    return { entries, number };
  } catch (cause) {
    if (!(cause instanceof PkiError)) throw cause;
    // Written anew without its entries, it would let revoked clients in again.
    throw new LabError('LAB_PKI_REFUSED', `${store.revocationListPath(name)}: ${cause.message}`, {
      advice: 'put the file back from a backup; if nothing was ever revoked, move it away and run this again',
      cause,
    });
  }
}
