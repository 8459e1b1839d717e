/** Certificates that were replaced and that members still accept: whoever was given a copy can go on using it. */
import { type CertifiedKey, inspect, PkiError, type PkiStore, splitPem, verify } from '../../pki/mod.ts';
import { type AuthorityName, authorityNames } from './authority-names.ts';
import { usableList } from './certificate-list.ts';
import { loadUsable } from './certificates.ts';

export interface OlderCertificate {
  /** As it was called in the store. */
  readonly name: string;
  readonly authority: AuthorityName;
  readonly serial: string;
  readonly notAfter: Date;
  /** If its key is still kept. */
  readonly pair?: CertifiedKey;
}

/** @returns the authority that signs what is called so in the store */
export function authorityOf(name: string): AuthorityName {
  return name.startsWith('peer-') ? 'peer-ca' : 'client-ca';
}

/**
 * @returns those that have not expired, are not revoked and are signed by an authority that members trust; by name, the
 *   newest first. What is damaged is left out.
 */
export async function olderCertificates(store: PkiStore, now: Date): Promise<OlderCertificate[]> {
  const trusted = new Map<AuthorityName, { authorities: string[]; revocationLists: Uint8Array[] }>();
  for (const name of authorityNames) {
    const [{ certificate = '' }, list] = [await store.read(name), await usableList(store, name)];
    trusted.set(name, { authorities: splitPem(certificate), revocationLists: list === undefined ? [] : [list] });
  }
  // An interrupted renewal has kept aside what is still in its place.
  const seen = await presentSerials(store);
  const found: OlderCertificate[] = [];
  for (const set of await store.retiredSets()) {
    for (const name of await set.names()) {
      if ((authorityNames as readonly string[]).includes(name)) continue;
      const { certificate = '' } = await set.read(name);
      const authority = authorityOf(name);
      const trust = trusted.get(authority) ?? { authorities: [] };
      const facts = readable(() => (isAccepted({ certificate, ...trust, at: now }) ? inspect(certificate) : undefined));
      if (facts === undefined || seen.has(facts.serial)) continue;
      seen.add(facts.serial);
      const pair = await loadUsable(set, name);
      found.push({ name, authority, serial: facts.serial, notAfter: facts.notAfter, ...(pair && { pair }) });
    }
  }
  return found.sort((a, b) => a.name.localeCompare(b.name));
}

async function presentSerials(store: PkiStore): Promise<Set<string>> {
  const serials = new Set<string>();
  for (const name of await store.names()) {
    const { certificate = '' } = await store.read(name);
    const facts = readable(() => inspect(certificate));
    if (facts !== undefined) serials.add(facts.serial);
  }
  return serials;
}

/** One that is not valid yet will be. */
function isAccepted(shown: Parameters<typeof verify>[0]): boolean {
  return verify(shown).every(({ code }) => code === 'not-yet-valid');
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof PkiError) return undefined;
    throw error;
  }
}
