/**
 * The way of certificates to the members. Members read their certificates and revocation lists anew at every handshake,
 * so replacing one needs no restart; the authorities they trust are read once, at start (contract: api §7).
 */
import type { CertifiedKey, PkiStore } from '../../pki/mod.ts';
import { memberPkiFiles } from '../lab/member-config.ts';
import type { LabNode } from '../lab/nodes.ts';

/** What `deployPki` leaves as it is on the host. */
export interface DeployOptions {
  /** Default true. A list that revokes a certificate still in use goes out when its successor is everywhere. */
  readonly revocationLists?: boolean;
}

/**
 * Puts a member's certificates, those of the authorities it trusts, and their revocation lists on its host. The
 * authorities' keys stay here.
 * @returns the paths that were changed
 */
export async function deployPki(store: PkiStore, node: LabNode, options: DeployOptions = {}): Promise<string[]> {
  const files = memberPkiFiles(node);
  const server = (await store.load(`server-${node.name}`)) as CertifiedKey;
  const peer = (await store.load(`peer-${node.name}`)) as CertifiedKey;
  const lists = options.revocationLists !== false;
  const changed: string[] = [];
  // Keys first: a member that reads the pair in between finds the old certificate with a key that does not fit, fails
  // that one handshake, and succeeds at the next.
  for (const [path, content, mode] of [
    [files.serverKey, server.key, 0o600],
    [files.serverCert, server.certificate, 0o644],
    [files.peerKey, peer.key, 0o600],
    [files.peerCert, peer.certificate, 0o644],
    [files.clientCa, (await store.read('client-ca')).certificate, 0o644],
    [files.peerCa, (await store.read('peer-ca')).certificate, 0o644],
    [files.clientCrl, lists ? await store.readRevocationList('client-ca') : undefined, 0o644],
    [files.peerCrl, lists ? await store.readRevocationList('peer-ca') : undefined, 0o644],
  ] as const) {
    if (content === undefined) continue;
    const before = await node.host.getFile(path);
    if (before !== undefined && Buffer.from(before).equals(Buffer.from(content))) continue;
    await node.host.putFile(path, content, mode);
    changed.push(path);
  }
  return changed;
}
