/**
 * The steps of `certs rotate-ca`. Members read the authorities that they trust once, at start, so they are restarted
 * twice, one by one: to trust both, and to trust the new one only. In between, everybody gets new certificates.
 */
import { createPrivateKey } from 'node:crypto';
import type { ListrTask } from 'listr2';
import {
  type CertifiedKey,
  createAuthority,
  encryptKey,
  isEncryptedKey,
  type PkiStore,
  type Sources,
} from '../../../pki/mod.ts';
import { LabError, throwIfInterrupted } from '../../errors.ts';
import type { Lab } from '../../lab/lab.ts';
import type { LabNode } from '../../lab/nodes.ts';
import { type AuthorityName, authorityNames } from '../authority-names.ts';
import { applyPki, authorityRequest, planPki } from '../certificates.ts';
import { deployPki } from '../deploy-certificates.ts';
import { waitUntilHealthy } from '../health/mod.ts';
import { configureMember, stopMembers } from '../members.ts';
import { allDone } from '../side-by-side.ts';
import { proveRefused, proveServed } from './proof.ts';
import {
  applyRotation,
  closeRotation,
  hasExpired,
  lostKeys,
  type RotationJournal,
  type RotationPhase,
  readRotation,
  rotationPhases,
  stagedStores,
  stageRotation,
  turnBack,
  writeRotation,
} from './rotation-journal.ts';
import { leaderLast, restartIfPending, runningNodes } from './running.ts';

export interface RotationOptions {
  readonly lab: Lab;
  readonly store: PkiStore;
  readonly sources: Sources;
  readonly signal?: AbortSignal | undefined;
  /** Which ones; empty for both. */
  readonly names: readonly AuthorityName[];
  /** Authorities to take instead of new ones; their keys are stored as they are. */
  readonly foreign?: ReadonlyMap<AuthorityName, CertifiedKey>;
  /** The phase to stop after, so that clients can be given what they need. */
  readonly until?: RotationPhase | undefined;
  readonly undo?: boolean | undefined;
  /** Stops all members first: for authorities that have expired, or whose key is in wrong hands. */
  readonly offline?: boolean | undefined;
}

export interface RotationContext {
  restarted: string[];
  /** Where the authorities are kept that were dropped; undefined while the rotation is under way. */
  retired?: string;
}

type Step = ListrTask<RotationContext>;

/**
 * Takes up the rotation that is under way, or writes the journal of a new one.
 * @throws LabError LAB_PKI_REFUSED if it cannot be begun, or another one is under way
 */
export async function openRotation(options: RotationOptions): Promise<RotationJournal> {
  const { store, undo, offline } = options;
  const underWay = await readRotation(store);
  if (underWay === undefined) {
    if (undo) throw new LabError('LAB_PKI_REFUSED', 'no rotation is under way: there is nothing to undo');
    return beginRotation(options);
  }
  if (options.foreign !== undefined) {
    throw new LabError('LAB_PKI_REFUSED', `a rotation that began at ${underWay.startedAt} is under way`, {
      advice: ['etcdlab certs rotate-ca goes on with it', 'etcdlab certs rotate-ca --undo takes it back'],
    });
  }
  if (undo && !underWay.undo) await refuseWithoutWayBack(store, underWay);
  const turned = undo && !underWay.undo ? turnBack(underWay) : underWay;
  // Once members are stopped for it, they all start with the last phase.
  const journal: RotationJournal = offline ? { ...turned, offline: true, phase: 'drop-old' } : turned;
  if (journal !== underWay) await writeRotation(store, journal);
  return journal;
}

async function beginRotation(options: RotationOptions): Promise<RotationJournal> {
  const { store, sources, foreign, offline = false } = options;
  const names = foreign === undefined ? chosenNames(options) : [...foreign.keys()];
  if (!offline) await refuseUnlessLive(options, names);
  const incoming = new Map<AuthorityName, CertifiedKey>();
  for (const name of names) incoming.set(name, foreign?.get(name) ?? (await newAuthority(options, name)));
  await stageRotation(store, incoming);
  const phase = offline ? 'drop-old' : 'trust-both';
  const journal: RotationJournal = {
    version: 1,
    startedAt: sources.now().toISOString(),
    authorities: [...names],
    phase,
    undo: false,
    offline,
  };
  await writeRotation(store, journal);
  return journal;
}

function chosenNames({ names }: RotationOptions): readonly AuthorityName[] {
  return names.length === 0 ? authorityNames : names;
}

/** Once certificates were issued anew, the way back is to issue them once more, by the authority of before. */
async function refuseWithoutWayBack(store: PkiStore, underWay: RotationJournal): Promise<void> {
  const [lost] = underWay.phase === 'trust-both' ? [] : await lostKeys(store, underWay);
  if (lost === undefined) return;
  throw new LabError('LAB_PKI_REFUSED', `there is no way back: the key of the authority ${lost} of before is lost`, {
    advice: 'etcdlab certs rotate-ca goes on',
  });
}

/**
 * An authority that has expired convinces nobody, so that members cannot be taken over to another one by one. One whose
 * key is lost does: what it has signed is good until everybody has certificates of the new one.
 */
async function refuseUnlessLive(
  { lab, store, sources }: RotationOptions,
  names: readonly AuthorityName[],
): Promise<void> {
  for (const name of names) {
    const { certificate, key } = await store.read(name);
    if (key !== undefined) await store.load(name);
    if (certificate !== undefined && !hasExpired(certificate, sources.now())) continue;
    const state = certificate === undefined ? 'is missing' : 'has expired';
    throw new LabError('LAB_PKI_REFUSED', `the authority ${store.certificatePath(name)} ${state}`, {
      advice: 'etcdlab certs rotate-ca --offline stops all members, replaces it and starts them again',
    });
  }
  await runningNodes(lab);
}

/** The key is encrypted if that of the authority before was; offline with any passphrase, since that one may be lost. */
async function newAuthority(
  { lab, store, sources, offline }: RotationOptions,
  name: AuthorityName,
): Promise<CertifiedKey> {
  const authority = createAuthority(authorityRequest(name, lab.state.certificates), sources);
  const { key } = await store.read(name);
  if (key === undefined || !isEncryptedKey(key)) return authority;
  const passphrase = await store.askPassphrase(name);
  if (!offline) await store.loadSigner(name);
  return { ...authority, key: encryptKey(createPrivateKey(authority.key), passphrase, sources) };
}

/** @returns the steps from the journal's phase on */
export function rotationTasks(options: RotationOptions, journal: RotationJournal): Step[] {
  const run = new Rotation(options, journal);
  if (journal.offline) return [run.offlineStep(), run.proofStep(), run.closeStep()];
  const steps: Record<RotationPhase, () => Step[]> = {
    'trust-both': () => [run.trustStep('trust-both', 'Trust both authorities')],
    reissue: () => [run.reissueStep()],
    'drop-old': () => [run.trustStep('drop-old', 'Trust the new authority only'), run.proofStep(), run.closeStep()],
  };
  const first = rotationPhases.indexOf(journal.phase);
  const last = rotationPhases.indexOf(options.until ?? 'drop-old');
  if (last < first) {
    throw new LabError('LAB_PKI_REFUSED', `the rotation is beyond ${options.until}: it has come to ${journal.phase}`);
  }
  return rotationPhases.slice(first, last + 1).flatMap((phase) => steps[phase]());
}

class Rotation {
  private readonly options: RotationOptions;
  private journal: RotationJournal;

  constructor(options: RotationOptions, journal: RotationJournal) {
    this.options = options;
    this.journal = journal;
  }

  /** `trust-both` and `drop-old`: what members trust changes, so each is restarted. */
  trustStep(phase: RotationPhase, title: string): Step {
    return {
      title,
      task: async (context, task) => {
        const { lab } = this.options;
        await this.enter(phase);
        const running = await runningNodes(lab);
        const say = (text: string) => {
          task.output = text;
        };
        if (running.length > 0) await waitUntilHealthy(lab, this.waiting(say));
        const order = running.length > 0 ? await leaderLast(lab) : lab.nodes;
        const restarts = order.map(
          (node): Step => ({
            title: node.name,
            task: async (_, subtask) => {
              const tell = (text: string) => {
                subtask.output = text;
              };
              if (await this.renewTrust(node, running.length > 0, tell)) context.restarted.push(node.name);
            },
          }),
        );
        return task.newListr(restarts);
      },
    };
  }

  private async renewTrust(node: LabNode, runs: boolean, say: (text: string) => void): Promise<boolean> {
    const { lab, store, signal } = this.options;
    throwIfInterrupted(signal);
    await deployPki(store, node);
    if (runs) return restartIfPending(lab, node, this.waiting(say));
    await configureMember(lab, node.name);
    return false;
  }

  reissueStep(): Step {
    return {
      title: 'Issue all certificates anew',
      task: async () => {
        const { lab, store, sources, signal } = this.options;
        await this.enter('reissue');
        await this.reissue();
        for (const node of lab.nodes) await deployPki(store, node);
        const running = await runningNodes(lab);
        if (running.length > 0) await proveServed(store, running, { signal, now: sources.now });
      },
    };
  }

  private async reissue(): Promise<void> {
    const { lab, store, sources } = this.options;
    const settings = lab.state.certificates;
    await applyPki(store, await planPki(store, lab.nodes, settings, sources.now()), settings, sources);
  }

  offlineStep(): Step {
    return {
      title: 'Replace authorities and certificates while all members are stopped',
      task: async (context, task) => {
        const { lab, store } = this.options;
        await stopMembers(lab);
        await this.enter('drop-old');
        await this.reissue();
        for (const node of lab.nodes) {
          await deployPki(store, node);
          await configureMember(lab, node.name);
        }
        await allDone(lab.nodes.map(({ name }) => lab.start(name)));
        const say = (text: string) => {
          task.output = text;
        };
        await waitUntilHealthy(lab, this.waiting(say));
        context.restarted.push(...lab.nodes.map(({ name }) => name));
      },
    };
  }

  /** The last phase is over: the new certificates are served and accepted, those of the old authority are not. */
  proofStep(): Step {
    return {
      title: 'Prove it by handshakes, with new and old certificates',
      task: async (_, task) => {
        const { lab, store, sources, signal } = this.options;
        const running = await runningNodes(lab);
        if (running.length === 0) {
          task.skip('no member runs');
          return;
        }
        const proof = { signal, now: sources.now };
        await proveServed(store, running, proof);
        const old = await this.oldAdministrator();
        if (old === undefined) return;
        await proveRefused(old, "the administrator's certificate of the old authority", running, proof);
      },
    };
  }

  private async oldAdministrator(): Promise<CertifiedKey | undefined> {
    const { undo, authorities } = this.journal;
    if (undo || !authorities.includes('client-ca')) return undefined;
    return stagedStores(this.options.store).outgoing.load('client-admin');
  }

  closeStep(): Step {
    return {
      title: 'Put the old authority away',
      task: async (context, task) => {
        context.retired = await closeRotation(this.options.store, this.journal);
        task.output = context.retired;
      },
    };
  }

  private async enter(phase: RotationPhase): Promise<void> {
    throwIfInterrupted(this.options.signal);
    if (this.journal.phase !== phase) {
      this.journal = { ...this.journal, phase };
      await writeRotation(this.options.store, this.journal);
    }
    await applyRotation(this.options.store, this.journal);
  }

  private waiting(say: (text: string) => void) {
    const { signal } = this.options;
    return { signal, onReason: (reason: string) => say(`not yet: ${reason}`) };
  }
}
