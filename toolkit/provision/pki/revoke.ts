/**
 * The steps of `certs revoke`: a certificate is refused from then on, by every member, at every new connection.
 *
 * `pki/revoking.json` says which were meant while this is under way: taken up again after an interruption, the name may
 * already be that of a successor.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ListrTask } from 'listr2';
import { type CertifiedKey, inspect, type PkiStore, type RevocationReason, type Sources } from '../../../pki/mod.ts';
import { LabError, throwIfInterrupted } from '../../errors.ts';
import { writeFileAtomically } from '../../hosts/atomic-file.ts';
import type { Lab } from '../../lab/lab.ts';
import { type AuthorityName, authorityNames } from '../authority-names.ts';
import { didYouMean } from '../certificate-names.ts';
import { certifiedUsers, issueAll, loadUsable, type WantedCertificate, wantedCertificates } from '../certificates.ts';
import { deployPki } from '../deploy-certificates.ts';
import { authorityOf, type OlderCertificate, olderCertificates } from '../older-certificates.ts';
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
  /** Of every certificate of that name that members still accept: whoever was given an older one is shut out too. */
  readonly serials: readonly string[];
  readonly authority: AuthorityName;
  /** Present if the lab has a certificate of that name. */
  readonly wanted?: WantedCertificate;
  /** Present if the certificate is still the one under that name. */
  readonly pair?: CertifiedKey;
  /** Those before it whose keys are kept. */
  readonly olderPairs: readonly CertifiedKey[];
  /** Whether somebody else takes its place at once: a member, or the administrator. */
  readonly isReplaced: boolean;
}

/** @throws LabError LAB_USAGE if there is no such certificate, LAB_PKI_REFUSED for an authority */
export async function planRevocation({ lab, store, sources, subject }: RevokeOptions): Promise<Revocation> {
  const users = await certifiedUsers(store);
  const all = wantedCertificates(lab.nodes, lab.state.certificates, users);
  const wanted = all.find(({ name }) => name === subject);
  if ((authorityNames as readonly string[]).includes(subject)) {
    throw new LabError('LAB_PKI_REFUSED', `${subject} is an authority: a list that it signs cannot revoke itself`, {
      advice: `etcdlab certs rotate-ca ${subject} --offline`,
    });
  }
  const everyOlder = await olderCertificates(store, sources.now());
  const serial = subject.replaceAll(':', '').toUpperCase();
  if (wanted === undefined && /^[0-9A-F]{2,40}$/.test(serial)) {
    const older = everyOlder.filter((each) => each.serial === serial);
    // Only clients have certificates that the lab may not know any more.
    const authority = older[0]?.authority ?? 'client-ca';
    return { serials: [serial], authority, olderPairs: pairsOf(older), isReplaced: false };
  }
  const pair = wanted === undefined ? undefined : await loadUsable(store, subject);
  if (wanted !== undefined && pair === undefined) {
    throw new LabError('LAB_PKI_REFUSED', `${store.certificatePath(subject)} cannot be read`, {
      advice: 'give the serial number of the certificate instead of its name',
    });
  }
  const present = pair === undefined ? [] : [inspect(pair.certificate).serial];
  const older = everyOlder.filter(({ name }) => name === subject);
  const serials = (await readIntent(store, subject)) ?? [...present, ...older.map((each) => each.serial)];
  if (serials.length === 0) {
    const names = all.map(({ name }) => name);
    const near = didYouMean(subject, names);
    throw new LabError('LAB_USAGE', `there is no certificate '${subject}'${near}; there are ${names.join(', ')}`, {
      advice: 'a certificate that is no longer there is revoked by its serial number, in hexadecimal',
    });
  }
  const isMeant = present.some((each) => serials.includes(each));
  return {
    serials,
    authority: wanted?.authority ?? authorityOf(subject),
    ...(wanted && { wanted }),
    ...(isMeant && pair && { pair }),
    olderPairs: pairsOf(older.filter((each) => serials.includes(each.serial))),
    isReplaced: wanted !== undefined && !users.some((user) => subject === `client-${user}`),
  };
}

const pairsOf = (older: readonly OlderCertificate[]) => older.flatMap(({ pair }) => pair ?? []);

/** @returns the task list; members are not restarted */
export function revokeTasks(options: RevokeOptions, revocation: Revocation): ListrTask<object>[] {
  const { lab, store, sources, signal, subject, reason } = options;
  const { serials, authority, wanted, pair, olderPairs, isReplaced } = revocation;
  const deployAll = async (revocationLists: boolean) => {
    for (const node of lab.nodes) {
      throwIfInterrupted(signal);
      await deployPki(store, node, { revocationLists });
    }
  };
  return [
    {
      title: `Put ${serials.join(', ')} on the revocation list`,
      task: async () => {
        throwIfInterrupted(signal);
        await writeFileAtomically(intentPath(store), JSON.stringify({ subject, serials }), 0o600);
        const revoked = serials.map((serial) => ({ serial, revokedAt: sources.now(), reason }));
        await updateRevocationList(store, authority, revoked, sources);
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
        if (authority !== 'client-ca') return;
        for (const shown of [...(pair ? [pair] : []), ...olderPairs]) {
          await proveRefused(shown, `${subject} (${inspect(shown.certificate).serial})`, running, proof);
        }
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

/** @returns the serial numbers that an interrupted revocation of that name has meant */
async function readIntent(store: PkiStore, subject: string): Promise<readonly string[] | undefined> {
  const text = await readFile(intentPath(store), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const intent = JSON.parse(text) as { subject: string; serials: readonly string[] };
  return intent.subject === subject ? intent.serials : undefined;
}
