/** What the verbs have in common that change certificates of a lab. */
import { existsSync } from 'node:fs';
import { isEncryptedKey, PkiStore, systemSources } from '../../../pki/mod.ts';
import { LabError } from '../../errors.ts';
import type { Lab } from '../../lab/lab.ts';
import { authorityNames } from '../../provision/authority-names.ts';
import { settleRotation } from '../../provision/pki/rotation-journal.ts';
import { type Cli, openLab, withLock } from '../cli.ts';
import { authorityPassphrase, type PassphraseOptions } from './options.ts';

/** What a change is given. */
export interface Workplace {
  readonly lab: Lab;
  readonly store: PkiStore;
  readonly sources: typeof systemSources;
  readonly signal: AbortSignal;
}

/**
 * Does something to the certificates of a lab while nobody else does.
 * @param verb of `etcdlab certs`, for the message to others
 * @throws LabError LAB_LOCKED; LAB_PKI_REFUSED while a drill has the members' data moved aside; what `work` throws
 */
export async function changeCertificates<T>(
  cli: Cli,
  options: PassphraseOptions,
  verb: string,
  work: (place: Workplace) => Promise<T>,
): Promise<T> {
  const lab = await openLab(cli, options);
  return withLock(lab.paths, `certs ${verb}`, async () => {
    if (existsSync(lab.paths.drillJournalFile)) {
      throw new LabError('LAB_PKI_REFUSED', 'a drill was interrupted on this lab', {
        advice: 'etcdlab up undoes it',
      });
    }
    const passphrase = authorityPassphrase(cli, options);
    const store = new PkiStore(lab.paths.pki, passphrase);
    // A task list that is being drawn leaves no place for a prompt.
    for (const name of authorityNames) if (isEncryptedKey((await store.read(name)).key ?? '')) await passphrase(name);
    const underWay = await settleRotation(store);
    if (underWay !== undefined && verb !== 'rotate-ca') cli.ui.warning(underWay);
    return work({ lab, store, sources: systemSources, signal: cli.signal });
  });
}
