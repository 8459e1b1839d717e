/**
 * The certificates of a lab: which there should be, which of those there are will not do and why, and their way to the
 * members. Members read their certificates anew at every handshake, so replacing one needs no restart; the
 * authorities they trust are read once, at start (contract: api §7).
 */
import {
  type CertificateFacts,
  type CertificateRequest,
  type CertifiedKey,
  createAuthority,
  inspect,
  issue,
  PkiError,
  type PkiStore,
  type Sources,
  verify,
} from '../../pki/mod.ts';
import { LabError } from '../errors.ts';
import type { LabConfig } from '../lab/config.ts';
import { memberPkiFiles } from '../lab/member-config.ts';
import type { LabNode } from '../lab/nodes.ts';

/** An authority for clients and one for peers: with a shared one, any client could join as a peer. */
export type AuthorityName = 'client-ca' | 'peer-ca';
export const authorityNames: readonly AuthorityName[] = ['client-ca', 'peer-ca'];

export type CertificateSettings = LabConfig['certificates'];

export interface WantedCertificate {
  /** Name in the PKI folder. */
  readonly name: string;
  readonly authority: AuthorityName;
  readonly request: CertificateRequest;
}

/** @returns the certificates of every member and of the administrator */
export function wantedCertificates(nodes: readonly LabNode[], settings: CertificateSettings): WantedCertificate[] {
  const common = { organization: 'etcdlab', validityMs: settings.validity, algorithm: settings.algorithm };
  const members = nodes.flatMap((node): WantedCertificate[] => {
    const request = {
      ...common,
      commonName: node.name,
      dnsNames: ['localhost', node.name],
      ipAddresses: [...new Set(['127.0.0.1', node.address])],
    };
    return [
      { name: `server-${node.name}`, authority: 'client-ca', request: { ...request, profile: 'server' } },
      { name: `peer-${node.name}`, authority: 'peer-ca', request: { ...request, profile: 'peer' } },
    ];
  });
  // With authentication on, the common name is the user's name: this is the one who may do everything.
  const admin = { ...common, profile: 'client', commonName: 'root' } as const;
  return [...members, { name: 'client-admin', authority: 'client-ca', request: admin }];
}

/** A certificate is renewed when less than this part of its life is left. */
const renewalFraction = 1 / 3;

/**
 * @param there what is in the folder under that name, if it can be used at all
 * @returns why the certificate must be issued, or undefined if it will do
 */
export function reasonToIssue(
  wanted: WantedCertificate,
  there: CertifiedKey | undefined,
  authority: string,
  now: Date,
): string | undefined {
  if (there === undefined) return 'is missing';
  const [problem] = verify({ certificate: there.certificate, authorities: [authority], at: now, key: there.key });
  if (problem !== undefined) return problem.reason;
  const facts = inspect(there.certificate);
  const { request } = wanted;
  const usages = request.profile === 'client' ? ['clientAuth'] : ['serverAuth', 'clientAuth'];
  if (!sameSet(facts.extendedKeyUsage, usages)) return `is not for ${usages.join(' and ')}`;
  if (facts.commonName !== request.commonName) return `is for ${facts.commonName}, not ${request.commonName}`;
  const names = [...(request.dnsNames ?? []), ...(request.ipAddresses ?? [])];
  if (!sameSet([...facts.dnsNames, ...facts.ipAddresses], names)) return `is not valid for ${names.join(', ')}`;
  if (facts.algorithm !== request.algorithm) return `has a key of ${facts.algorithm}, not ${request.algorithm}`;
  return renewalReason(facts, request.validityMs, inspect(authority).notAfter, now);
}

function renewalReason(facts: CertificateFacts, validityMs: number, authorityEnd: Date, now: Date): string | undefined {
  const leftMs = facts.notAfter.getTime() - now.getTime();
  const lifeMs = facts.notAfter.getTime() - facts.notBefore.getTime();
  if (leftMs > lifeMs * renewalFraction) return undefined;
  // Near the end of the authority's own life, a new certificate would end when this one does.
  const renewedEndMs = Math.min(now.getTime() + validityMs, authorityEnd.getTime());
  return renewedEndMs > facts.notAfter.getTime() + 60_000 ? `expires at ${facts.notAfter.toISOString()}` : undefined;
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value) => b.includes(value));
}

export interface PkiPlan {
  /** Authorities that do not exist yet. */
  readonly newAuthorities: readonly AuthorityName[];
  readonly toIssue: readonly { readonly wanted: WantedCertificate; readonly reason: string }[];
  /** How many certificates there should be, without the authorities. */
  readonly wantedCount: number;
}

/**
 * Looks, and changes nothing.
 * @throws LabError LAB_PKI_REFUSED if an authority is damaged or has expired
 */
export async function planPki(
  store: PkiStore,
  nodes: readonly LabNode[],
  settings: CertificateSettings,
  now: Date,
): Promise<PkiPlan> {
  const newAuthorities: AuthorityName[] = [];
  const authorities = new Map<AuthorityName, string>();
  for (const name of authorityNames) {
    const { certificate } = await store.read(name);
    if (certificate === undefined) newAuthorities.push(name);
    else authorities.set(name, await usableAuthority(store, name, now));
  }
  const all = wantedCertificates(nodes, settings);
  const toIssue: { wanted: WantedCertificate; reason: string }[] = [];
  for (const wanted of all) {
    const authority = authorities.get(wanted.authority);
    const reason =
      authority === undefined
        ? 'is missing'
        : reasonToIssue(wanted, await loadUsable(store, wanted.name), authority, now);
    if (reason !== undefined) toIssue.push({ wanted, reason });
  }
  return { newAuthorities, toIssue, wantedCount: all.length };
}

async function usableAuthority(store: PkiStore, name: AuthorityName, now: Date): Promise<string> {
  const advice = 'etcdlab destroy, then etcdlab up, makes new ones; the data is lost, so take a snapshot first';
  try {
    const authority = await store.load(name);
    const { notAfter } = inspect((authority as CertifiedKey).certificate);
    if (notAfter <= now) {
      const message = `the authority ${store.certificatePath(name)} expired at ${notAfter.toISOString()}`;
      throw new LabError('LAB_PKI_REFUSED', message, { advice });
    }
    return (authority as CertifiedKey).certificate;
  } catch (cause) {
    if (!(cause instanceof PkiError)) throw cause;
    throw new LabError('LAB_PKI_REFUSED', `the authority cannot be used: ${cause.message}`, { advice, cause });
  }
}

/** A member's certificate that is damaged is as good as none: it is issued again. */
async function loadUsable(store: PkiStore, name: string): Promise<CertifiedKey | undefined> {
  try {
    return await store.load(name);
  } catch (error) {
    if (error instanceof PkiError) return undefined;
    throw error;
  }
}

/** Makes the authorities and certificates of the plan. Interrupted, it is gone on with by the next plan. */
export async function applyPki(
  store: PkiStore,
  plan: PkiPlan,
  settings: CertificateSettings,
  sources: Sources,
): Promise<void> {
  for (const name of plan.newAuthorities) {
    // A key without certificate was left by an interruption: nothing was signed with it that could be lost.
    const { key } = await store.read(name);
    const request = {
      commonName: name === 'client-ca' ? 'etcdlab client authority' : 'etcdlab peer authority',
      organization: 'etcdlab',
      algorithm: settings.algorithm,
      validityMs: settings.authorityValidity,
      ...(key !== undefined && { key }),
    };
    await store.saveAuthority(name, createAuthority(request, sources));
  }
  for (const { wanted } of plan.toIssue) {
    const authority = (await store.load(wanted.authority)) as CertifiedKey;
    await store.save(wanted.name, issue(authority, wanted.request, sources));
  }
}

/**
 * Puts a member's certificates, and those of the authorities it trusts, on its host. The authorities' keys stay here.
 * @returns the paths that were changed
 */
export async function deployPki(store: PkiStore, node: LabNode): Promise<string[]> {
  const files = memberPkiFiles(node);
  const server = (await store.load(`server-${node.name}`)) as CertifiedKey;
  const peer = (await store.load(`peer-${node.name}`)) as CertifiedKey;
  const clientCa = (await store.load('client-ca')) as CertifiedKey;
  const peerCa = (await store.load('peer-ca')) as CertifiedKey;
  const changed: string[] = [];
  // Keys first: a member that reads the pair in between finds the old certificate with a key that does not fit, fails
  // that one handshake, and succeeds at the next.
  for (const [path, content, mode] of [
    [files.serverKey, server.key, 0o600],
    [files.serverCert, server.certificate, 0o644],
    [files.peerKey, peer.key, 0o600],
    [files.peerCert, peer.certificate, 0o644],
    [files.clientCa, clientCa.certificate, 0o644],
    [files.peerCa, peerCa.certificate, 0o644],
  ] as const) {
    const before = await node.host.getFile(path);
    if (before !== undefined && Buffer.from(before).equals(Buffer.from(content))) continue;
    await node.host.putFile(path, content, mode);
    changed.push(path);
  }
  return changed;
}

/** @returns the PEM of both authorities, for digests */
export async function trustedAuthorities(store: PkiStore): Promise<string> {
  const pems = await Promise.all(authorityNames.map((name) => store.read(name)));
  return pems.map(({ certificate }) => certificate ?? '').join('');
}
