/** The certificates of a lab: which there should be, and which of those there are will not do and why. */
import { isIP } from 'node:net';
import {
  type AuthorityRequest,
  type CertificateFacts,
  type CertificateRequest,
  type CertifiedKey,
  canonicalAddress,
  createAuthority,
  inspect,
  isSignedBy,
  issue,
  PkiError,
  type PkiStore,
  type Sources,
  splitPem,
  verify,
} from '../../pki/mod.ts';
import { LabError } from '../errors.ts';
import type { LabConfig } from '../lab/config.ts';
import type { LabNode } from '../lab/nodes.ts';
import { type AuthorityName, authorityNames } from './authority-names.ts';
import { readRevocationList, updateRevocationList } from './revocation-lists.ts';

export type CertificateSettings = LabConfig['certificates'];

export interface WantedCertificate {
  /** Name in the PKI folder. */
  readonly name: string;
  readonly authority: AuthorityName;
  readonly request: CertificateRequest;
}

/** Certificates of clients are stored as `client-USER`; this one is the administrator's. */
const administrator = 'admin';
const clientPrefix = 'client-';

/** @returns the users with a certificate of their own, besides the administrator; the authority is no user */
export async function certifiedUsers(store: PkiStore): Promise<string[]> {
  const names = await store.names();
  const users = names.filter((name) => name.startsWith(clientPrefix)).map((name) => name.slice(clientPrefix.length));
  return users.filter((user) => user !== administrator && user !== 'ca');
}

/**
 * @param users with a certificate of their own; the common name is the user's name
 * @returns the certificates of every member, of the administrator and of the users
 */
export function wantedCertificates(
  nodes: readonly LabNode[],
  settings: CertificateSettings,
  users: readonly string[] = [],
): WantedCertificate[] {
  const common = {
    organization: 'etcdlab',
    validityMs: settings.validity,
    backdateMs: settings.backdate,
    algorithm: settings.algorithm,
  };
  const members = nodes.flatMap((node): WantedCertificate[] => {
    const names = ['localhost', node.name, '127.0.0.1', node.address, ...node.alternativeNames];
    const request = {
      ...common,
      commonName: node.name,
      dnsNames: [...new Set(names.filter((name) => !isIP(name)))],
      ipAddresses: [...new Set(names.filter((name) => isIP(name)).map(canonicalAddress))],
    };
    return [
      { name: `server-${node.name}`, authority: 'client-ca', request: { ...request, profile: 'server' } },
      { name: `peer-${node.name}`, authority: 'peer-ca', request: { ...request, profile: 'peer' } },
    ];
  });
  // With authentication on, the common name is the user's name: this is the one who may do everything.
  const clients = [[administrator, 'root'], ...users.map((user) => [user, user])].map(
    ([name, commonName]): WantedCertificate => ({
      name: `${clientPrefix}${name}`,
      authority: 'client-ca',
      request: { ...common, profile: 'client', commonName: commonName as string },
    }),
  );
  return [...members, ...clients];
}

/** A certificate is renewed when less than this part of its life is left. */
const renewalFraction = 1 / 3;

/** An authority as its certificates are judged by. */
export interface IssuingAuthority {
  /** PEM; the first certificate is the one that signs, others are trusted besides it while authorities are rotated. */
  readonly certificate: string;
  /** DER; not there until the first `up` of this version. */
  readonly revocationList?: Uint8Array | undefined;
}

/**
 * @param there what is in the folder under that name, if it can be used at all
 * @returns why the certificate must be issued, or undefined if it will do
 */
export function reasonToIssue(
  wanted: WantedCertificate,
  there: CertifiedKey | undefined,
  authority: IssuingAuthority,
  now: Date,
): string | undefined {
  if (there === undefined) return 'is missing';
  const [signing = ''] = splitPem(authority.certificate);
  const [problem] = verify({
    certificate: there.certificate,
    authorities: [signing],
    at: now,
    key: there.key,
    revocationLists: authority.revocationList === undefined ? [] : [authority.revocationList],
  });
  if (problem !== undefined) return problem.reason;
  const facts = inspect(there.certificate);
  const { request } = wanted;
  const usages = request.profile === 'client' ? ['clientAuth'] : ['serverAuth', 'clientAuth'];
  if (!sameSet(facts.extendedKeyUsage, usages)) return `is not for ${usages.join(' and ')}`;
  if (facts.commonName !== request.commonName) return `is for ${facts.commonName}, not ${request.commonName}`;
  const names = [...(request.dnsNames ?? []), ...(request.ipAddresses ?? [])];
  if (!sameSet([...facts.dnsNames, ...facts.ipAddresses], names)) return `is not valid for ${names.join(', ')}`;
  if (facts.algorithm !== request.algorithm) return `has a key of ${facts.algorithm}, not ${request.algorithm}`;
  return renewalReason(facts, request.validityMs, inspect(signing).notAfter, now);
}

function renewalReason(facts: CertificateFacts, validityMs: number, authorityEnd: Date, now: Date): string | undefined {
  const leftMs = facts.notAfter.getTime() - now.getTime();
  // Without the time before it was issued: of a certificate that lives two minutes, that is the greater part.
  const lifeMs = Math.min(facts.notAfter.getTime() - facts.notBefore.getTime(), validityMs);
  if (leftMs > lifeMs * renewalFraction) return undefined;
  // Near the end of the authority's own life, a new certificate would end when this one does.
  const renewedEndMs = Math.min(now.getTime() + validityMs, authorityEnd.getTime());
  return renewedEndMs > facts.notAfter.getTime() + 60_000 ? `expires at ${facts.notAfter.toISOString()}` : undefined;
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value) => b.includes(value));
}

export interface ToIssue {
  readonly wanted: WantedCertificate;
  readonly reason: string;
}

export interface PkiPlan {
  /** Authorities that do not exist yet. */
  readonly newAuthorities: readonly AuthorityName[];
  readonly toIssue: readonly ToIssue[];
  /** Authorities whose revocation list is missing, or signed by the authority before. */
  readonly newRevocationLists: readonly AuthorityName[];
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
  const newRevocationLists: AuthorityName[] = [];
  const authorities = new Map<AuthorityName, IssuingAuthority>();
  for (const name of authorityNames) {
    const { certificate } = await store.read(name);
    if (certificate === undefined) {
      newAuthorities.push(name);
      newRevocationLists.push(name);
      continue;
    }
    const authority = await usableAuthority(store, name, now);
    authorities.set(name, authority);
    if (!hasItsOwnList(authority)) newRevocationLists.push(name);
  }
  const all = wantedCertificates(nodes, settings, await certifiedUsers(store));
  const toIssue: ToIssue[] = [];
  for (const wanted of all) {
    const authority = authorities.get(wanted.authority);
    const reason =
      authority === undefined
        ? 'is missing'
        : reasonToIssue(wanted, await loadUsable(store, wanted.name), authority, now);
    if (reason !== undefined) toIssue.push({ wanted, reason });
  }
  return { newAuthorities, toIssue, newRevocationLists, wantedCount: all.length };
}

async function usableAuthority(store: PkiStore, name: AuthorityName, now: Date): Promise<IssuingAuthority> {
  const { key } = await store.read(name);
  const advice =
    key === undefined
      ? [
          'put the key back',
          'or, if it is lost: etcdlab certs rotate-ca makes a new authority while the cluster serves',
        ]
      : 'etcdlab certs rotate-ca --offline makes a new one, and keeps the data';
  try {
    const { certificate } = (await store.load(name)) as CertifiedKey;
    const { notAfter } = inspect(certificate);
    if (notAfter <= now) {
      const message = `the authority ${store.certificatePath(name)} expired at ${notAfter.toISOString()}`;
      throw new LabError('LAB_PKI_REFUSED', message, { advice });
    }
    await readRevocationList(store, name);
    return { certificate, revocationList: await store.readRevocationList(name) };
  } catch (cause) {
    if (!(cause instanceof PkiError)) throw cause;
    throw new LabError('LAB_PKI_REFUSED', `the authority cannot be used: ${cause.message}`, { advice, cause });
  }
}

function hasItsOwnList({ certificate, revocationList }: IssuingAuthority): boolean {
  return revocationList !== undefined && isSignedBy(revocationList, certificate);
}

/** A certificate that is damaged is as good as none: it is issued again. */
export async function loadUsable(store: PkiStore, name: string): Promise<CertifiedKey | undefined> {
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
    const request = { ...authorityRequest(name, settings), ...(key !== undefined && { key }) };
    await store.saveAuthority(name, createAuthority(request, sources));
  }
  for (const name of plan.newRevocationLists) await updateRevocationList(store, name, [], sources);
  await issueAll(
    store,
    plan.toIssue.map(({ wanted }) => wanted),
    sources,
  );
}

/** @returns what a new authority is made of */
export function authorityRequest(name: AuthorityName, settings: CertificateSettings): AuthorityRequest {
  return {
    commonName: name === 'client-ca' ? 'etcdlab client authority' : 'etcdlab peer authority',
    organization: 'etcdlab',
    algorithm: settings.authorityAlgorithm ?? settings.algorithm,
    validityMs: settings.authorityValidity,
    backdateMs: settings.backdate,
  };
}

/** Issues certificates with new keys; what is there under their names is kept aside. */
export async function issueAll(store: PkiStore, all: readonly WantedCertificate[], sources: Sources): Promise<void> {
  const signers = new Map<AuthorityName, CertifiedKey>();
  // First of all: without a key that can be opened, nothing is touched.
  for (const authority of new Set(all.map((wanted) => wanted.authority))) {
    signers.set(authority, (await store.loadSigner(authority)) as CertifiedKey);
  }
  await store.retire(
    all.map(({ name }) => name),
    sources.now(),
  );
  for (const { name, authority, request } of all) {
    await store.save(name, issue(signers.get(authority) as CertifiedKey, request, sources));
  }
}

/**
 * @returns the PEM of all authorities that members trust, for digests; the same whichever of them signs, since a member
 *   that trusts both need not be restarted when the other takes over
 */
export async function trustedAuthorities(store: PkiStore): Promise<string> {
  const pems = await Promise.all(authorityNames.map((name) => store.read(name)));
  return pems
    .map(({ certificate }) =>
      splitPem(certificate ?? '')
        .sort()
        .join('\n'),
    )
    .join('\n\n');
}
