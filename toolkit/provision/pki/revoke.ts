/**
 * The steps of `certs revoke`: a certificate is refused from then on, by every member, at every new connection.
 *
 * `pki/revoking.json` says which one was meant while this is under way: taken up again after an interruption, the name
 * may already be that of its successor.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ListrTask } from 'listr2';
import { type CertifiedKey, inspect, type PkiStore, type RevocationReason, type Sources } from '../../../pki/mod.ts';
import { LabError, throwIfInterrupted } from '../../errors.ts';
import { writeFileAtomically } from '../../hosts/atomic-file.ts';
import type { Lab } from '../../lab/lab.ts';
import { type AuthorityName, authorityNames } from '../authority-names.ts';
import { certifiedUsers, issueAll, loadUsable, type WantedCertificate, wantedCertificates } from '../certificates.ts';
import { deployPki } from '../deploy-certificates.ts';
import { updateRevocationList } from '../revocation-lists.ts';
import { proveRefused, proveServed } from './proof.ts';
import { runningNodes } from './running.ts';

export interface RevokeOptions {
  readonly lab: Lab;
  readonly store: PkiStore;
  readonly sources: Sources;
  readonly signal?: AbortSignal | undefined;
  /** A name in the store, or the serial number of a certificate that is no longer there. */
  readonly subject: string;
  readonly reason: RevocationReason;
}

/** What is to be revoked. */
export interface Revocation {
  readonly serial: string;
  readonly authority: AuthorityName;
  /** Present unless a bare serial number was given. */
  readonly wanted?: WantedCertificate;
  /** Present if the certificate is still the one under that name. */
  readonly pair?: CertifiedKey;
  /** Whether somebody else takes its place at once: a member, or the administrator. */
  readonly isReplaced: boolean;
}

/** @throws LabError LAB_USAGE if there is no such certificate, LAB_PKI_REFUSED for an authority */
export async function planRevocation({ lab, store, subject }: RevokeOptions): Promise<Revocation> {
  const users = await certifiedUsers(store);
  const all = wantedCertificates(lab.nodes, lab.state.certificates, users);
  const wanted = all.find(({ name }) => name === subject);
  if (wanted !== undefined) {
    const pair = await loadUsable(store, subject);
    if (pair === undefined) {
      throw new LabError('LAB_PKI_REFUSED', `${store.certificatePath(subject)} cannot be read`, {
        advice: 'give the serial number of the certificate instead of its name',
      });
    }
    const present = inspect(pair.certificate).serial;
    const serial = (await readIntent(store, subject)) ?? present;
    const isReplaced = !users.some((user) => subject === `client-${user}`);
    return { serial, authority: wanted.authority, wanted, ...(serial === present && { pair }), isReplaced };
  }
  if ((authorityNames as readonly string[]).includes(subject)) {
    throw new LabError('LAB_PKI_REFUSED', `${subject} is an authority: a list that it signs cannot revoke itself`, {
      advice: `etcdlab certs rotate-ca ${subject} --offline`,
    });
  }
  const serial = subject.replaceAll(':', '').toUpperCase();
  if (!/^[0-9A-F]{2,40}$/.test(serial)) {
    const names = all.map(({ name }) => name).join(', ');
    throw new LabError('LAB_USAGE', `there is no certificate '${subject}'; there are ${names}`, {
      advice: 'a certificate that is no longer there is revoked by its serial number, in hexadecimal',
    });
  }
  // Only clients have certificates that the lab may not know any more.
  return { serial, authority: 'client-ca', isReplaced: false };
}

/** @returns the task list; members are not restarted */
export function revokeTasks(options: RevokeOptions, revocation: Revocation): ListrTask<object>[] {
  const { lab, store, sources, signal, subject, reason } = options;
  const { serial, authority, wanted, pair, isReplaced } = revocation;
  const deployAll = async (revocationLists: boolean) => {
    for (const node of lab.nodes) {
      throwIfInterrupted(signal);
      await deployPki(store, node, { revocationLists });
    }
  };
  return [
    {
      title: `Put ${serial} on the revocation list`,
      task: async () => {
        throwIfInterrupted(signal);
        await writeFileAtomically(intentPath(store), JSON.stringify({ subject, serial }), 0o600);
        await updateRevocationList(store, authority, [{ serial, revokedAt: sources.now(), reason }], sources);
      },
    },
    {
      title: `Issue another ${subject}`,
      enabled: () => wanted !== undefined && isReplaced && pair !== undefined,
      task: async () => {
        await issueAll(store, [wanted as WantedCertificate], sources);
      },
    },
    {
      title: 'Bring certificates, then the list, to the members',
      task: async () => {
        await deployAll(false);
        await deployAll(true);
      },
    },
    {
      title: 'Put it away',
      enabled: () => pair !== undefined && !isReplaced,
      task: async (_, task) => {
        task.output = (await store.retire([subject], sources.now())) ?? '';
        await store.remove(subject);
      },
    },
    {
      title: 'Prove it by handshakes',
      task: async (_, task) => {
        const running = await runningNodes(lab);
        if (running.length === 0) {
          task.skip('no member runs');
          return;
        }
        const proof = { signal, now: sources.now };
        await proveServed(store, running, proof);
        // A peer's certificate is shown to other members, not to client ports.
        if (pair !== undefined && authority === 'client-ca') await proveRefused(pair, subject, running, proof);
      },
    },
    {
      title: 'Write down that it is done',
      task: async () => {
        await rm(intentPath(store), { force: true });
      },
    },
  ];
}

const intentPath = (store: PkiStore) => join(store.directory, 'revoking.json');

/** @returns the serial number that an interrupted revocation of that name has meant */
async function readIntent(store: PkiStore, subject: string): Promise<string | undefined> {
  const text = await readFile(intentPath(store), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const intent = JSON.parse(text) as { subject: string; serial: string };
  return intent.subject === subject ? intent.serial : undefined;
}
