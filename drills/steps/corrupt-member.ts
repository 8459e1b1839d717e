import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { LabError } from '../../toolkit/errors.ts';
import type { Host } from '../../toolkit/hosts/host.ts';
import { changeOneValue, damageLogRecord, wipeMetaPages } from '../damage/member-files.ts';
import { required } from '../engine/context.ts';
import { followerOf } from '../recovery/record.ts';
import { defineStep } from './step.ts';

const kinds = {
  'log-record': 'one bit of its log',
  'database-pages': 'the first pages of its database',
  value: 'one value in its database',
} as const;

/** Stops a follower, damages what it has on its disk, and starts it again. The undamaged data stays aside. */
export const corruptMember = defineStep({
  name: 'corrupt-member',
  parameters: z.strictObject({ what: z.enum(['log-record', 'database-pages', 'value']) }),
  needs: ['reference', 'dataSet'],
  makes: ['disasterAt', 'hurt'],
  title: ({ what }) => `Damage ${kinds[what]} on a follower`,
  unmet: (_, { lab }) => (lab.nodes.length < 3 ? 'it needs three members, so that others are left' : undefined),
  async run({ lab, runId, signal, journal, found, now }, { what }) {
    const dataSet = required(found.dataSet, 'data set');
    const client = lab.client();
    const { name, host, paths } = await followerOf(client, lab, signal).finally(() => client.close());
    await journal.beginRepair(lab, runId, { hurt: [name] });
    found.hurt = [name];
    await host.service.stop();
    await host.rename(paths.data, journal.asideByNode[name] as string);
    await copyDirectory(host, journal.asideByNode[name] as string, paths.data, signal);
    found.disasterAt = now();
    const folder = path.join(paths.data, 'member', what === 'log-record' ? 'wal' : 'snap');
    const file = what === 'log-record' ? (await host.list(folder)).find((each) => each.endsWith('.wal')) : 'db';
    if (file === undefined) throw new LabError('LAB_DRILL', `${name} has no log in ${folder}`);
    const damage = await edit(host, path.join(folder, file), (local) => {
      if (what === 'log-record') return damageLogRecord(local);
      return what === 'database-pages' ? wipeMetaPages(local) : changeOneValue(local, dataSet.canaries[0] as string);
    });
    await host.service.start();
    return `${name}: ${damage}`;
  },
});

async function copyDirectory(host: Host, from: string, to: string, signal: AbortSignal): Promise<void> {
  const { exitCode, stderr } = await host.run('cp', ['-R', '-p', from, to], { signal, timeoutMs: 120_000 });
  if (exitCode !== 0) throw new LabError('LAB_FILE', `${from} on ${host.name} cannot be copied: ${stderr.trim()}`);
}

/** Damages a copy on this machine and puts it in the place of the file, of whatever size it is. */
async function edit(host: Host, file: string, change: (local: string) => Promise<string>): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'etcdlab-'));
  try {
    const local = path.join(folder, path.basename(file));
    await host.download(file, local);
    const what = await change(local);
    await host.upload(local, file, 0o600);
    return what;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
