/** Everything that `certs check` looks at: files here, files on the hosts, and what the live sockets serve. */
import { inspect, PkiError, type PkiStore } from '../../../pki/mod.ts';
import { LabError } from '../../errors.ts';
import type { Lab } from '../../lab/lab.ts';
import { memberPkiFiles } from '../../lab/member-config.ts';
import type { LabNode } from '../../lab/nodes.ts';
import { authorityNames } from '../authority-names.ts';
import { listCertificates } from '../certificate-list.ts';
import { readRevocationList } from '../revocation-lists.ts';
import { memberSockets, servedProblem } from './proof.ts';
import { readRotation } from './rotation-journal.ts';

/**
 * - `ok`: nothing to do.
 * - `due`: works now, and something should be done soon.
 * - `failed`: somebody is refused because of it, or will be at the next connection or restart.
 */
export type CheckStatus = 'ok' | 'due' | 'failed';

export interface CertificateCheck {
  /** What was looked at: a certificate's name, or `node1 client port`. */
  readonly subject: string;
  readonly place: 'file' | 'host' | 'socket' | 'rotation';
  readonly status: CheckStatus;
  /** For people; what was found, also if it is well. */
  readonly found: string;
  /** Of a certificate. */
  readonly notAfter?: Date;
  readonly daysLeft?: number;
}

const dayMs = 86_400_000;

export interface CheckOptions {
  readonly now: Date;
  /** Certificates with less than this left are due, besides those in the last third of their life. */
  readonly withinMs?: number | undefined;
  /** Default true. */
  readonly sockets?: boolean;
}

/** @returns all checks, also those that are fine */
export async function checkCertificates(lab: Lab, store: PkiStore, options: CheckOptions): Promise<CertificateCheck[]> {
  const files = await fileChecks(lab, store, options);
  const [hosts, sockets] = await Promise.all([
    Promise.all(lab.nodes.map((node) => hostCheck(store, node))),
    options.sockets === false ? [] : socketChecks(lab, store, options.now),
  ]);
  return [
    ...files,
    ...(await revocationListChecks(store)),
    ...(await permissionChecks(store)),
    ...hosts,
    ...sockets,
    ...(await rotationChecks(store)),
  ];
}

async function fileChecks(lab: Lab, store: PkiStore, { now, withinMs = 0 }: CheckOptions): Promise<CertificateCheck[]> {
  const listing = await listCertificates(store, lab.nodes, lab.state.certificates, now);
  return listing.map(({ name, status, reason, notAfter }): CertificateCheck => {
    const leftMs = notAfter === undefined ? 0 : notAfter.getTime() - now.getTime();
    const isDue = status === 'renew' || leftMs < withinMs;
    return {
      subject: name,
      place: 'file',
      status: status === 'unusable' ? 'failed' : isDue ? 'due' : 'ok',
      found: reason ?? `valid until ${notAfter?.toISOString()}`,
      ...(notAfter && { notAfter, daysLeft: Math.floor(leftMs / dayMs) }),
    };
  });
}

async function permissionChecks(store: PkiStore): Promise<CertificateCheck[]> {
  const loose = await store.loosePermissions();
  const common = { subject: 'permissions', place: 'file' } as const;
  if (loose.length === 0) return [{ ...common, status: 'ok', found: 'keys are their owner’s alone' }];
  const found = `others than the owner may read ${loose.join(', ')}: chmod go= makes it right`;
  return [{ ...common, status: 'failed', found }];
}

/** Whether the host has what is in the store: what it lacks was not deployed, or was changed there. */
async function hostCheck(store: PkiStore, node: LabNode): Promise<CertificateCheck> {
  const files = memberPkiFiles(node);
  const wanted: readonly (readonly [string, Uint8Array | string | undefined])[] = [
    [files.serverCert, (await store.read(`server-${node.name}`)).certificate],
    [files.serverKey, (await store.read(`server-${node.name}`)).key],
    [files.peerCert, (await store.read(`peer-${node.name}`)).certificate],
    [files.peerKey, (await store.read(`peer-${node.name}`)).key],
    [files.clientCa, (await store.read('client-ca')).certificate],
    [files.peerCa, (await store.read('peer-ca')).certificate],
    [files.clientCrl, await store.readRevocationList('client-ca')],
    [files.peerCrl, await store.readRevocationList('peer-ca')],
  ];
  const differing: string[] = [];
  for (const [path, content] of wanted) {
    const there = await node.host.getFile(path);
    if (content === undefined || there === undefined || !Buffer.from(there).equals(Buffer.from(content))) {
      differing.push(path);
    }
  }
  const common = { subject: `${node.name} files`, place: 'host' } as const;
  return differing.length === 0
    ? { ...common, status: 'ok', found: `all ${wanted.length} are those of the lab` }
    : { ...common, status: 'failed', found: `not those of the lab: ${differing.join(', ')}; etcdlab up brings them` };
}

async function socketChecks(lab: Lab, store: PkiStore, now: Date): Promise<CertificateCheck[]> {
  const administrator = await store.load('client-admin').catch(() => undefined);
  return Promise.all(
    memberSockets(lab.nodes).map(async (socket): Promise<CertificateCheck> => {
      const client = socket.title === 'client port' ? administrator : undefined;
      const problem = await servedProblem(store, socket, now, client).catch(messageOfDamage);
      const subject = `${socket.node.name} ${socket.title}`;
      if (problem !== undefined) return { subject, place: 'socket', status: 'failed', found: problem };
      const { certificate } = await store.read(socket.certificate);
      const { notAfter } = inspect(certificate ?? '');
      const serves = `serves ${socket.certificate}`;
      const found = client === undefined ? serves : `${serves}, and lets the administrator in`;
      const daysLeft = Math.floor((notAfter.getTime() - now.getTime()) / dayMs);
      return { subject, place: 'socket', status: 'ok', found, notAfter, daysLeft };
    }),
  );
}

/** Files that are damaged are told of where files are checked; here they are what the socket cannot be held against. */
function messageOfDamage(error: unknown): string {
  if (error instanceof PkiError) return error.message;
  throw error;
}

async function revocationListChecks(store: PkiStore): Promise<CertificateCheck[]> {
  return Promise.all(
    authorityNames.map(async (name): Promise<CertificateCheck> => {
      const common = { subject: `${name} revocation list`, place: 'file' } as const;
      try {
        const { entries } = await readRevocationList(store, name);
        return { ...common, status: 'ok', found: `${entries.length} revoked` };
      } catch (error) {
        if (error instanceof LabError) return { ...common, status: 'failed', found: error.message };
        throw error;
      }
    }),
  );
}

async function rotationChecks(store: PkiStore): Promise<CertificateCheck[]> {
  const journal = await readRotation(store);
  if (journal === undefined) return [];
  const found = `of ${journal.authorities.join(' and ')} since ${journal.startedAt}, at ${journal.phase}`;
  return [{ subject: 'rotation under way', place: 'rotation', status: 'due', found }];
}
