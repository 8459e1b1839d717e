import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { saveSnapshot } from '../../server/client/mod.ts';
import { snapshotStatus } from '../../server/etcdutl/mod.ts';
import { messageOf } from '../../toolkit/errors.ts';
import { inconclusive, required } from '../engine/context.ts';
import { leaderOf } from '../recovery/record.ts';
import { defineStep } from './step.ts';

const mebibyte = 1024 * 1024;
/** A stream of which nothing comes any more is given up after this. */
const transferTimeoutMs = 4000;

/** Puts values of 1 MiB, so that a snapshot is still on its way when it is interrupted. */
export const writeBallast = defineStep({
  name: 'write-ballast',
  parameters: z.strictObject({ mebibytes: z.number().int().min(4).max(256).default(16) }),
  needs: ['dataSet'],
  makes: [],
  title: ({ mebibytes }) => `Write ${mebibytes} MiB more`,
  async run({ lab, signal, found }, { mebibytes }) {
    const { prefix } = required(found.dataSet, 'data set');
    const client = lab.client();
    try {
      for (let i = 0; i < mebibytes; i++) {
        const key = Buffer.from(`${prefix}ballast/${String(i).padStart(3, '0')}`);
        await client.put({ key, value: Buffer.alloc(mebibyte, i + 1) }, { signal, timeoutMs: 15_000 });
      }
      return `${mebibytes} values of 1 MiB`;
    } finally {
      client.close();
    }
  },
});

/** Saves a snapshot from the leader, and kills or freezes the leader when the first bytes have come. */
export const interruptBackup = defineStep({
  name: 'interrupt-backup',
  parameters: z.strictObject({ by: z.enum(['kill', 'freeze']) }),
  needs: ['reference'],
  makes: ['disasterAt', 'hurt'],
  title: ({ by }) => `Save a snapshot from the leader, and ${by} it in the middle`,
  unmet: (_, { lab }) => (lab.nodes.length < 3 ? 'it needs three members, so that others are left' : undefined),
  async run({ lab, runId, journal, directory, signal, found, now }, { by }) {
    const all = lab.client();
    const leader = await leaderOf(all, lab, signal).finally(() => all.close());
    await journal.beginRepair(lab, runId);
    const file = path.join(directory, 'interrupted.db');
    const client = lab.client(leader.name);
    let hurting: Promise<void> | undefined;
    let receivedBytes = 0;
    try {
      const onProgress = (progress: { receivedBytes: number }): void => {
        receivedBytes = progress.receivedBytes;
        if (hurting !== undefined) return;
        found.disasterAt = now();
        hurting = by === 'kill' ? leader.host.service.kill() : leader.host.service.freeze();
      };
      const failure = await saveSnapshot(client, file, { onProgress, signal, timeoutMs: transferTimeoutMs }).then(
        () => undefined,
        messageOf,
      );
      await hurting;
      if (failure === undefined) {
        throw inconclusive(
          `the snapshot was saved before ${leader.name} was hurt`,
          'raise write-ballast: mebibytes, so that a snapshot takes longer',
        );
      }
      found.hurt = [leader.name];
      const left = (await readdir(directory)).filter((name) => name.startsWith('interrupted'));
      found.checks.push({
        name: 'no-half-backup',
        passed: left.length === 0 && !existsSync(file),
        expected: 'the backup fails with a reason, and leaves no file that could be taken for one',
        observed: `${failure}; left: ${left.join(', ') || 'nothing'}`,
      });
      return `${leader.name} was hurt after ${receivedBytes} bytes: ${failure}`;
    } finally {
      client.close();
    }
  },
});

/** Saves from the members that are left, until it works: a backup must not depend on one member. */
export const saveFromAnother = defineStep({
  name: 'save-from-another',
  parameters: z.strictObject({}),
  needs: ['hurt', 'reference'],
  makes: [],
  title: () => 'Save the snapshot from another member',
  async run({ lab, directory, signal, found, measured }) {
    const reference = required(found.reference, 'record of the cluster');
    const [other] = lab.nodes.filter(({ name }) => !found.hurt?.includes(name));
    const file = path.join(directory, 'snapshot.db');
    const client = lab.client(other?.name ?? '');
    try {
      await measured('restore', () => saveSnapshot(client, file, { signal, timeoutMs: 60_000 }));
      const { revision, totalSizeBytes } = await snapshotStatus(file);
      found.checks.push({
        name: 'backup-complete',
        passed: revision >= reference.revision,
        expected: `a sound snapshot of revision ${reference.revision} or later from ${other?.name}`,
        observed: `revision ${revision}, ${totalSizeBytes} bytes, SHA-256 and structure as they must be`,
      });
      return `revision ${revision}, ${totalSizeBytes} bytes from ${other?.name}`;
    } finally {
      client.close();
    }
  },
});

/** Lets frozen members go on and starts those that have ended. */
export const wakeMembers = defineStep({
  name: 'wake-members',
  parameters: z.strictObject({}),
  needs: ['hurt'],
  makes: [],
  title: () => 'Let the member go on',
  async run({ lab, found }) {
    const woken: string[] = [];
    for (const name of required(found.hurt, 'member that was hurt')) {
      const { service } = lab.node(name).host;
      const { state } = await service.status();
      if (state === 'frozen') await service.thaw();
      else await service.start();
      woken.push(`${name} was ${state}`);
    }
    return woken.join(', ');
  },
});
