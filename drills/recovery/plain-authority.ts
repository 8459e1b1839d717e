/** Authorities that a drill can sign with, or take away. */
import { type CertifiedKey, isEncryptedKey, type PkiStore } from '../../pki/mod.ts';
import { inconclusive } from '../engine/context.ts';

/**
 * @returns an authority whose key is here, in the clear
 * @throws LabError LAB_INCONCLUSIVE when it is not; PkiError as `PkiStore.load`
 */
export async function plainAuthority(store: PkiStore, name: string): Promise<CertifiedKey> {
  const { certificate, key } = await store.read(name);
  if (certificate === undefined || key === undefined) {
    const missing = certificate === undefined ? store.certificatePath(name) : store.keyPath(name);
    throw inconclusive(`the authority ${name} is not whole: ${missing} is missing, and this drill needs it`);
  }
  if (isEncryptedKey(key)) {
    throw inconclusive(`${store.keyPath(name)} is encrypted, and a drill asks nobody for the passphrase`);
  }
  await store.load(name);
  return { certificate, key };
}
