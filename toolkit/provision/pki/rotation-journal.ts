/**
 * What is written down about a rotation of authorities, so that one that was interrupted goes on, or is undone.
 *
 *     pki/rotation.json           how far it has come
 *     pki/rotation/outgoing/      the authorities that there were, and the administrator's certificate of them
 *     pki/rotation/incoming/      those that take their place
 *
 * Each phase says what the authorities' own files must hold. They are written anew whenever the rotation is taken up
 * again: whatever a crash has left of them does not matter.
 */
import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  type CertifiedKey,
  inspect,
  isEncryptedKey,
  keyFromPem,
  type Passphrase,
  PkiStore,
  splitPem,
} from '../../../pki/mod.ts';
import { LabError } from '../../errors.ts';
import { writeFileAtomically } from '../../hosts/atomic-file.ts';
import type { AuthorityName } from '../authority-names.ts';

/**
 * - `trust-both`: certificates are still those of the authority that goes; members learn to trust the one that comes.
 * - `reissue`: all members trust both; everybody gets certificates of the one that comes.
 * - `drop-old`: nobody has a certificate of the one that goes; members forget it.
 */
export const rotationPhases = ['trust-both', 'reissue', 'drop-old'] as const;
export type RotationPhase = (typeof rotationPhases)[number];

const journalSchema = z.strictObject({
  version: z.literal(1),
  startedAt: z.iso.datetime(),
  authorities: z.array(z.enum(['client-ca', 'peer-ca'])).min(1),
  phase: z.enum(rotationPhases),
  /** The way back: the incoming authority is the one that goes. */
  undo: z.boolean(),
  /** All members are stopped first: there is no time at which both are trusted. */
  offline: z.boolean(),
});

export type RotationJournal = z.output<typeof journalSchema>;

const journalPath = (store: PkiStore) => join(store.directory, 'rotation.json');
const stagingPath = (store: PkiStore) => join(store.directory, 'rotation');

/** The two sides of a rotation, as stores of their own. */
export function stagedStores(store: PkiStore, passphrase?: Passphrase): { outgoing: PkiStore; incoming: PkiStore } {
  return {
    outgoing: new PkiStore(join(stagingPath(store), 'outgoing'), passphrase),
    incoming: new PkiStore(join(stagingPath(store), 'incoming'), passphrase),
  };
}

/** @returns the rotation that is under way, or undefined @throws LabError LAB_PKI_REFUSED if its journal is damaged */
export async function readRotation(store: PkiStore): Promise<RotationJournal | undefined> {
  let text: string;
  try {
    text = await readFile(journalPath(store), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return journalSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new LabError('LAB_PKI_REFUSED', `${journalPath(store)} is damaged`, {
      advice: `put it back from a backup; both authorities are in ${stagingPath(store)}`,
      cause,
    });
  }
}

export async function writeRotation(store: PkiStore, journal: RotationJournal): Promise<void> {
  await writeFileAtomically(journalPath(store), `${JSON.stringify(journal, null, 2)}\n`, 0o600);
}

/**
 * Prepares the folders of a rotation. What one that never got its journal has left there is of no use to anybody, and
 * makes room.
 * @param incoming by name; their keys may be encrypted
 */
export async function stageRotation(
  store: PkiStore,
  incoming: ReadonlyMap<AuthorityName, CertifiedKey>,
): Promise<void> {
  await rm(stagingPath(store), { recursive: true, force: true });
  const staged = stagedStores(store);
  for (const name of [...incoming.keys(), 'client-admin']) {
    // What is damaged or missing is what an offline rotation is there to replace.
    const { certificate, key } = await store.read(name);
    if (certificate === undefined) continue;
    if (key !== undefined) await staged.outgoing.save(name, { certificate, key });
    // An authority whose key is lost is trusted until every member has certificates of another.
    else if (incoming.has(name as AuthorityName)) await staged.outgoing.saveCertificate(name, certificate);
  }
  for (const [name, authority] of incoming) await staged.incoming.save(name, authority);
}

/**
 * Ends a rotation: what goes is kept in `retired/`, under a name that nothing there has yet. The staging folder, which
 * holds the only copy of the key that goes, is removed only after that.
 * @returns the folder where it is
 */
export async function closeRotation(store: PkiStore, journal: RotationJournal): Promise<string> {
  const staged = stagedStores(store);
  const gone = journal.undo ? staged.incoming : staged.outgoing;
  const retired = join(store.directory, 'retired');
  const name = join(retired, `${journal.startedAt.replaceAll(':', '-')}-authorities`);
  await mkdir(retired, { recursive: true, mode: 0o700 });
  let [folder, last] = [name, name];
  for (let n = 2; existsSync(folder); n++) [folder, last] = [`${name}-${n}`, folder];
  try {
    await rename(gone.directory, folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    // Moved already, by a run that was interrupted right here.
    folder = last;
  }
  await rm(journalPath(store), { force: true });
  await rm(stagingPath(store), { recursive: true, force: true });
  return folder;
}

/**
 * Makes the authorities' files what the phase wants them to be: who signs comes first, who is trusted besides it
 * second.
 * @returns whether anything was changed
 * @throws LabError LAB_PKI_REFUSED if the staging folder lacks what the phase needs
 */
export async function applyRotation(store: PkiStore, journal: RotationJournal): Promise<boolean> {
  const staged = stagedStores(store);
  const [from, to] = journal.undo ? [staged.incoming, staged.outgoing] : [staged.outgoing, staged.incoming];
  let changed = false;
  for (const name of journal.authorities) {
    await keepKeyPutBack(store, from, to, name);
    const [going, coming] = [await from.read(name), await to.read(name)];
    const signing = journal.phase === 'trust-both' ? going : coming;
    const other = journal.phase === 'trust-both' ? coming : going;
    if (signing.certificate === undefined || (signing.key === undefined && !isOfBefore(journal))) {
      throw new LabError('LAB_PKI_REFUSED', `${stagingPath(store)} lacks the authority ${name}`, {
        advice: 'put the folder back from a backup',
      });
    }
    const trusted = journal.phase === 'drop-old' ? [] : splitPem(other.certificate ?? '');
    const certificate = [...splitPem(signing.certificate), ...trusted].map((pem) => `${pem}\n`).join('');
    const present = await store.read(name);
    if (present.certificate === certificate && present.key === (signing.key ?? present.key)) continue;
    if (signing.key === undefined) await store.saveCertificate(name, certificate);
    else await store.save(name, { certificate, key: signing.key });
    changed = true;
  }
  return changed;
}

/** A key of the authority that goes that was lost, and that somebody has put back, is kept with its certificate. */
async function keepKeyPutBack(store: PkiStore, from: PkiStore, to: PkiStore, name: AuthorityName): Promise<void> {
  const { certificate, key: known } = await from.read(name);
  const { key } = await store.read(name);
  if (certificate === undefined || known !== undefined || key === undefined) return;
  if (key === (await to.read(name)).key || !mayBeKeyOf(certificate, key)) return;
  await from.save(name, { certificate, key });
}

/** Of an encrypted key it cannot be said: whoever opens it sees. */
function mayBeKeyOf(certificate: string, key: string): boolean {
  try {
    return isEncryptedKey(key) || new X509Certificate(certificate).checkPrivateKey(keyFromPem(key));
  } catch {
    return false;
  }
}

/** Whether the authority that was there first is the one whose certificates are in use: it issues none in that phase. */
function isOfBefore({ phase, undo }: RotationJournal): boolean {
  return phase === (undo ? 'drop-old' : 'trust-both');
}

/** @returns the authorities of before whose key is lost: they can issue nothing any more, so that no way leads back */
export async function lostKeys(store: PkiStore, { authorities }: RotationJournal): Promise<AuthorityName[]> {
  const { outgoing } = stagedStores(store);
  const files = await Promise.all(authorities.map((name) => outgoing.read(name)));
  return authorities.filter((_, i) => files[i]?.key === undefined);
}

/**
 * Puts the authorities' files in order after an interruption, so that anything else can be done with the lab.
 * @returns what a user should know, if a rotation is under way
 */
export async function settleRotation(store: PkiStore): Promise<string | undefined> {
  const journal = await readRotation(store);
  if (journal === undefined) return undefined;
  await applyRotation(store, journal);
  return `a rotation of authorities is under way (${journal.phase}): etcdlab certs rotate-ca goes on with it, --undo takes it back`;
}

/** The way back from each phase: from which one it starts, with the roles exchanged. */
const wayBack: Readonly<Record<RotationPhase, RotationPhase>> = {
  // Nobody has a certificate of the new authority yet: it is forgotten.
  'trust-both': 'drop-old',
  reissue: 'reissue',
  // Some members may have forgotten the old one already: they learn to trust it first.
  'drop-old': 'trust-both',
};

/** @returns the journal of the way back; the way back of that one leads forward again */
export function turnBack(journal: RotationJournal): RotationJournal {
  return { ...journal, undo: !journal.undo, phase: wayBack[journal.phase] };
}

/** @returns whether an authority has ended, so that nobody who trusts it can be convinced of anything any more */
export function hasExpired(certificate: string, now: Date): boolean {
  return inspect(certificate).notAfter <= now;
}
