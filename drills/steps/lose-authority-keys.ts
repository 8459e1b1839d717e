import { mkdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { type CertifiedKey, inspect, PkiStore, systemSources } from '../../pki/mod.ts';
import { LabError, messageOf } from '../../toolkit/errors.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { authorityNames } from '../../toolkit/provision/authority-names.ts';
import { authorityRequest, planPki } from '../../toolkit/provision/certificates.ts';
import { openClusterView } from '../../toolkit/provision/health/mod.ts';
import { proveRefused, proveServed } from '../../toolkit/provision/pki/proof.ts';
import { readRotation } from '../../toolkit/provision/pki/rotation-journal.ts';
import { SteadyWriter, type SteadyWrites } from '../dataset/steady-writer.ts';
import { type DrillContext, inconclusive, required } from '../engine/context.ts';
import { plainAuthority } from '../recovery/plain-authority.ts';
import { keepLostKeys, rotateAuthorities } from '../recovery/rotate-authorities.ts';
import type { Check } from '../verification/check.ts';
import { waitUntilServing } from './start-all-members.ts';
import { defineStep } from './step.ts';

/** Takes the keys of both authorities away. What they have signed stays good; nothing more can be signed. */
export const loseAuthorityKeys = defineStep({
  name: 'lose-authority-keys',
  parameters: z.strictObject({}),
  needs: ['reference'],
  makes: ['disasterAt', 'oldAdministrator'],
  title: () => 'Lose the keys of both certificate authorities',
  async run({ lab, runId, journal, found, now }) {
    const store = new PkiStore(lab.paths.pki);
    if ((await readRotation(store)) !== undefined) throw inconclusive('a rotation of authorities is under way');
    for (const name of authorityNames) {
      const { certificate } = await plainAuthority(store, name);
      if (inspect(certificate).commonName !== authorityRequest(name, lab.state.certificates).commonName) {
        throw inconclusive(`the authority ${name} is not one that etcdlab made: this drill would replace it`);
      }
    }
    found.oldAdministrator = (await store.load('client-admin')) as CertifiedKey;
    const folder = lostFolder(lab, runId);
    await mkdir(folder, { mode: 0o700 });
    const files = authorityNames.map((name) => ({
      path: store.keyPath(name),
      aside: path.join(folder, path.basename(store.keyPath(name))),
    }));
    await journal.beginRepair(lab, runId, { files });
    found.disasterAt = now();
    for (const { path: place, aside } of files) await rename(place, aside);
    return `${files.map(({ path: place }) => path.basename(place)).join(' and ')} are gone; they lie in ${folder}`;
  },
});

/** The members do not notice: it shows to whoever wants a certificate, and must say which key is missing. */
export const noticeLostKeys = defineStep({
  name: 'notice-lost-keys',
  parameters: z.strictObject({}),
  needs: ['oldAdministrator'],
  makes: [],
  title: () => 'Read through every member, and try to renew the certificates',
  run: ({ lab, found, measured }) =>
    measured('detect', async () => {
      const store = new PkiStore(lab.paths.pki);
      const view = openClusterView(lab);
      try {
        const reads = await Promise.allSettled(lab.nodes.map((node) => view.linearizableRead(node)));
        found.checks.push(
          servesWithoutKeys(
            lab.nodes.map(({ name }) => name),
            reads,
          ),
        );
      } finally {
        view.close();
      }
      const refusal = await planPki(store, lab.nodes, lab.state.certificates, systemSources.now()).then(
        () => 'nothing is said',
        messageOf,
      );
      found.checks.push({
        name: 'lost-key-named',
        passed: refusal.includes(store.keyPath(authorityNames[0] as string)),
        expected: 'issuing a certificate is refused, and the missing key is named',
        observed: refusal,
      });
      return refusal;
    }),
});

/**
 * New authorities, by what `etcdlab certs rotate-ca` does: members learn to trust both, everybody gets a certificate of
 * the new one, members forget the old one. A client writes all the while.
 */
export const rotateLostAuthorities = defineStep({
  name: 'rotate-authorities',
  parameters: z.strictObject({}),
  needs: ['dataSet', 'reference', 'oldAdministrator'],
  makes: ['recovery'],
  title: () => 'Rotate to new authorities, member by member, while a client writes',
  async run(context) {
    const { lab, runId, signal, progress, now, found, measured } = context;
    const { prefix } = required(found.dataSet, 'data set');
    const writer = new SteadyWriter(() => lab.client(), `${prefix}under-load/`);
    const phases: RestartPhase[] = [];
    let counted = 0;
    const onPhase = (title: string, restarts: number) => {
      if (restarts > 0) phases.push({ title, writes: writer.acknowledged - counted });
      counted = writer.acknowledged;
    };
    let done: Awaited<ReturnType<typeof rotateAuthorities>> | undefined;
    try {
      await unproved(
        measured('restore', async () => {
          done = await rotateAuthorities(lab, { signal, progress, onPhase });
        }),
      );
    } finally {
      const writes = await writer.stop();
      found.written.push(...writes.batches);
      found.checks.push(writesGoOn(writes, phases));
    }
    await proveHandshakes(context);
    const { summary, recovery } = await measured('start', () => waitUntilServing(lab, { signal, progress, now }));
    found.recovery = recovery;
    if (done === undefined) return `the rotation has not come to its end: etcdlab certs rotate-ca goes on; ${summary}`;
    await keepLostKeys(lostFolder(lab, runId), done.retired);
    return `${done.restarted.length} restarts; ${summary}; the authorities of before: ${done.retired}`;
  },
});

/** Whether every member has changed over shows in handshakes alone: it takes the new, and refuses the old. */
async function proveHandshakes({ lab, signal, now, found }: DrillContext): Promise<void> {
  const store = new PkiStore(lab.paths.pki);
  const options = { signal, now };
  const notServed = await unproved(proveServed(store, lab.nodes, options));
  const administrator = required(found.oldAdministrator, 'certificate of the administrator');
  const notRefused = await unproved(proveRefused(administrator, 'the old certificate', lab.nodes, options));
  found.checks.push(
    {
      name: 'new-authority-accepted',
      passed: notServed === undefined,
      expected: 'every member serves a certificate of the new authority, and takes a client that has one',
      observed: notServed ?? 'so it is, by handshakes with both ports of each',
    },
    {
      name: 'old-authority-refused',
      passed: notRefused === undefined,
      expected: 'every member refuses a client with a certificate of the authority whose key was lost',
      observed: notRefused ?? 'so it is, by handshakes with each',
    },
  );
}

/** @returns what a handshake has shown instead; undefined when it was as it must be */
async function unproved(proof: Promise<void>): Promise<string | undefined> {
  try {
    await proof;
    return undefined;
  } catch (error) {
    if (!(error instanceof LabError) || error.code !== 'LAB_PKI_UNPROVED') throw error;
    return [error.message, ...error.details].join('; ');
  }
}

/** A part of the rotation in which members were restarted, and how many keys were written meanwhile. */
export interface RestartPhase {
  readonly title: string;
  readonly writes: number;
}

export function writesGoOn(
  { batches, failures, longestMs, problem }: SteadyWrites,
  phases: readonly RestartPhase[],
): Check {
  const list = phases.map(({ title, writes }) => `${writes} in '${title}'`).join(', ');
  const observed = `${batches.length} keys written, ${list}; the slowest after ${longestMs} ms; ${failures} calls made again`;
  return {
    name: 'writes-go-on',
    passed: problem === undefined && phases.length > 0 && phases.every(({ writes }) => writes > 0),
    expected: 'a client that connects anew when it must can write in each part of the rotation that restarts members',
    observed: problem ?? observed,
  };
}

function lostFolder({ paths }: Lab, runId: string): string {
  return path.join(paths.pki, `lost-${runId}`);
}

/** @param reads linearizable ones, through each member */
export function servesWithoutKeys(members: readonly string[], reads: readonly PromiseSettledResult<number>[]): Check {
  return {
    name: 'serves-without-keys',
    passed: reads.length > 0 && reads.every(({ status }) => status === 'fulfilled'),
    expected: 'every member serves on: none of them has the key of an authority',
    observed: reads
      .map(
        (read, i) =>
          `${members[i]} ${read.status === 'fulfilled' ? `reads at revision ${read.value}` : messageOf(read.reason)}`,
      )
      .join(', '),
  };
}
