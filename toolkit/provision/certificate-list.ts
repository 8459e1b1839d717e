/** All certificates of a lab with their state, for people and for monitoring. */
import { type CertificateFacts, type CertifiedKey, inspect, PkiError, type PkiStore, verify } from '../../pki/mod.ts';
import { LabError } from '../errors.ts';
import type { LabNode } from '../lab/nodes.ts';
import { type AuthorityName, authorityNames } from './authority-names.ts';
import {
  type CertificateSettings,
  certifiedUsers,
  type IssuingAuthority,
  reasonToIssue,
  wantedCertificates,
} from './certificates.ts';
import { readRevocationList } from './revocation-lists.ts';

export interface CertificateListing {
  readonly name: string;
  /** `renew`: works now, and the next `up` issues it anew. `unusable`: missing, damaged, expired, revoked, untrusted. */
  readonly status: 'ok' | 'renew' | 'unusable';
  /** Unless `ok`. */
  readonly reason?: string;
  readonly subject?: string;
  readonly names: readonly string[];
  readonly algorithm?: string;
  readonly notAfter?: Date;
}

/** @returns authorities first, then members and clients in the order of the nodes */
export async function listCertificates(
  store: PkiStore,
  nodes: readonly LabNode[],
  settings: CertificateSettings,
  now: Date,
): Promise<CertificateListing[]> {
  const listing: CertificateListing[] = [];
  const authorities = new Map<string, IssuingAuthority>();
  for (const name of authorityNames) {
    const loaded = await load(store, name);
    if (loaded.certificate !== undefined) {
      authorities.set(name, {
        certificate: loaded.certificate,
        revocationList: await usableList(store, name),
      });
    }
    listing.push({ name, ...judge(loaded, now, undefined) });
  }
  for (const wanted of wantedCertificates(nodes, settings, await certifiedUsers(store))) {
    const loaded = await load(store, wanted.name);
    const authority = authorities.get(wanted.authority);
    const { certificate, key } = loaded;
    const there = certificate !== undefined && key !== undefined ? { certificate, key } : undefined;
    const reason =
      authority === undefined
        ? `its authority ${wanted.authority} is unusable`
        : reasonToIssue(wanted, there, authority, now);
    const refusal = authority === undefined || there === undefined ? undefined : whyRefused(there, authority, now);
    listing.push({ name: wanted.name, ...judge(loaded, now, reason, refusal) });
  }
  return listing;
}

/** A damaged list is told of by the next command that needs it; here, all the rest is to be seen. */
export async function usableList(store: PkiStore, name: AuthorityName): Promise<Uint8Array | undefined> {
  try {
    await readRevocationList(store, name);
    return await store.readRevocationList(name);
  } catch (error) {
    if (error instanceof LabError) return undefined;
    throw error;
  }
}

interface Loaded {
  readonly certificate?: string;
  readonly key?: string;
  readonly problem?: string;
}

async function load(store: PkiStore, name: string): Promise<Loaded> {
  try {
    return (await store.load(name)) ?? { problem: 'is missing' };
  } catch (error) {
    if (error instanceof PkiError) return { problem: error.message };
    throw error;
  }
}

function judge(
  { certificate, problem }: Loaded,
  now: Date,
  reasonToRenew: string | undefined,
  refusal?: string,
): Omit<CertificateListing, 'name'> {
  if (certificate === undefined) return { status: 'unusable', reason: problem ?? 'is missing', names: [] };
  const facts = inspect(certificate);
  const known = describe(facts);
  if (facts.notAfter <= now || facts.notBefore > now) {
    return { status: 'unusable', reason: facts.notAfter <= now ? 'has expired' : 'is not valid yet', ...known };
  }
  if (refusal !== undefined) return { status: 'unusable', reason: refusal, ...known };
  return reasonToRenew === undefined
    ? { status: 'ok', ...known }
    : { status: 'renew', reason: reasonToRenew, ...known };
}

/** While authorities are rotated, certificates of either are accepted, though one of them is to be replaced. */
function whyRefused(
  there: CertifiedKey,
  { certificate, revocationList }: IssuingAuthority,
  now: Date,
): string | undefined {
  const [problem] = verify({
    certificate: there.certificate,
    authorities: [certificate],
    at: now,
    revocationLists: revocationList === undefined ? [] : [revocationList],
  });
  return problem?.reason;
}

function describe({ subject, dnsNames, ipAddresses, algorithm, notAfter }: CertificateFacts) {
  return { subject, names: [...dnsNames, ...ipAddresses], algorithm, notAfter };
}
