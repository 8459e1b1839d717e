/**
 * The way of certificates to the members. Members read their certificates and revocation lists anew at every handshake,
 * so replacing one needs no restart; the authorities they trust are read once, at start (contract: api §7).
 */
import type { CertifiedKey, PkiStore } from '../../pki/mod.ts';
import type { HostFile } from '../hosts/host.ts';
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
  const wanted = [
    { path: files.serverKey, content: server.key, mode: 0o600 },
    { path: files.serverCert, content: server.certificate, mode: 0o644 },
    { path: files.peerKey, content: peer.key, mode: 0o600 },
    { path: files.peerCert, content: peer.certificate, mode: 0o644 },
    { path: files.clientCa, content: (await store.read('client-ca')).certificate, mode: 0o644 },
    { path: files.peerCa, content: (await store.read('peer-ca')).certificate, mode: 0o644 },
    { path: files.clientCrl, content: lists ? await store.readRevocationList('client-ca') : undefined, mode: 0o644 },
    { path: files.peerCrl, content: lists ? await store.readRevocationList('peer-ca') : undefined, mode: 0o644 },
  ].flatMap(({ content, ...file }): HostFile[] => (content === undefined ? [] : [{ ...file, content }]));
  const there = await Promise.all(wanted.map(({ path }) => node.host.getFile(path)));
  const changed = wanted.filter(({ content }, i) => !there[i] || !Buffer.from(content).equals(there[i]));
  // Together: a member that met a key without its certificate would refuse peers and clients until the next run.
  if (changed.length > 0) await node.host.putFiles(changed);
  return changed.map(({ path }) => path);
}
