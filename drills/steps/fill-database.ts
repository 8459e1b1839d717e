import { z } from 'zod';
import { describeRpcError, type EtcdClient, RpcError } from '../../server/client/mod.ts';
import { Code } from '../../server/errors/etcd-error.ts';
import { AlarmType } from '../../server/proto/gen/rpc.ts';
import { throwIfInterrupted } from '../../toolkit/errors.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { waitUntilHealthy } from '../../toolkit/provision/health/mod.ts';
import { configureMember } from '../../toolkit/provision/members.ts';
import { inconclusive, required } from '../engine/context.ts';
import { disarm, raisedBy } from '../recovery/alarms.ts';
import { waitUntilServing } from './start-all-members.ts';
import { defineStep } from './step.ts';

const mebibyte = 1024 * 1024;
/** What is written on top of the database as it is, until the quota is reached. */
const roomBytes = 16 * mebibyte;
const maxFillers = 64;
const fillerBytes = mebibyte;

/**
 * Gives all members a quota that is a little above what they hold, one after the other, and writes until the database is
 * full. The alarm comes as it does in production: by a write that does not fit.
 */
export const fillDatabase = defineStep({
  name: 'fill-database',
  parameters: z.strictObject({}),
  needs: ['reference', 'dataSet'],
  makes: ['disasterAt', 'hurt'],
  title: () => 'Lower the quota, and write until the database is full',
  async run({ lab, runId, journal, signal, progress, found, now }) {
    const { prefix } = required(found.dataSet, 'data set');
    const client = lab.client();
    try {
      const sizes = await Promise.all(
        lab.nodes.map(({ clientUrl: endpoint }) => client.status({}, { endpoint, signal })),
      );
      const quotaBytes = Math.max(...sizes.map(({ dbSize }) => dbSize)) + roomBytes;
      await journal.beginRepair(lab, runId, { restart: true });
      for (const node of lab.nodes) {
        progress(`${node.name} restarts with a quota of ${quotaBytes} bytes`);
        await lowerQuota(lab, node.name, quotaBytes);
        await waitUntilHealthy(lab, { signal });
      }
      found.hurt = lab.nodes.map(({ name }) => name);
      found.disasterAt = now();
      const written = await fill(client, `${prefix}filler/`, signal, progress);
      return `full after ${written} MiB, at a quota of ${quotaBytes} bytes`;
    } finally {
      client.close();
    }
  },
});

/** Not remembered anywhere: the next `configureMember` takes it away. */
async function lowerQuota(lab: Lab, name: string, quotaBytes: number): Promise<void> {
  const { host, paths } = lab.node(name);
  const text = Buffer.from((await host.getFile(paths.configFile)) ?? []).toString('utf8');
  await host.putFile(paths.configFile, `${text}quota-backend-bytes: ${quotaBytes}\n`);
  await host.service.stop();
  await host.service.start();
}

async function fill(
  client: EtcdClient,
  prefix: string,
  signal: AbortSignal,
  progress: (text: string) => void,
): Promise<number> {
  for (let i = 0; i < maxFillers; i++) {
    throwIfInterrupted(signal);
    try {
      const key = Buffer.from(`${prefix}${String(i).padStart(3, '0')}`);
      await client.put({ key, value: Buffer.alloc(fillerBytes, i) }, { signal, timeoutMs: 15_000 });
    } catch (error) {
      if (error instanceof RpcError && error.code === Code.ResourceExhausted) return i;
      throw error;
    }
    if (i % 4 === 3) progress(`${i + 1} MiB written`);
  }
  throw inconclusive(`the database was not full after ${maxFillers} MiB above its quota`);
}

/** Reads go on, writes are refused, and the alarm names the member. */
export const noticeFullDatabase = defineStep({
  name: 'notice-full-database',
  parameters: z.strictObject({}),
  needs: ['hurt', 'dataSet'],
  makes: [],
  title: () => 'Notice the alarm: reads are answered, writes are refused',
  run: ({ lab, signal, found, measured }) =>
    measured('detect', async () => {
      const { prefix } = required(found.dataSet, 'data set');
      const client = lab.client();
      try {
        const raised = await raisedBy(client, AlarmType.NOSPACE, signal);
        const key = Buffer.from(`${prefix}refused`);
        const options = { signal, timeoutMs: 5000 };
        const read = await client.range({ key }, options).then(() => 'answered', describeRpcError);
        const write = await client.put({ key, value: key }, options).then(() => 'accepted', describeRpcError);
        const observed = `NOSPACE raised by ${raised.length} members; a read is ${read}; a write: ${write}`;
        found.checks.push({
          name: 'full-database-noticed',
          passed: raised.length > 0 && read === 'answered' && /space/.test(write),
          expected: 'NOSPACE is raised, reads are answered, and writes are refused for want of space',
          observed,
        });
        return observed;
      } finally {
        client.close();
      }
    }),
});

/** The whole way back: delete, compact, defragment each member, disarm; and the quota of before. */
export const makeRoom = defineStep({
  name: 'make-room',
  parameters: z.strictObject({}),
  needs: ['hurt', 'dataSet', 'reference'],
  makes: ['recovery'],
  title: () => 'Delete, compact, defragment every member, and disarm the alarm',
  async run({ lab, signal, found, progress, now, measured }) {
    const { prefix } = required(found.dataSet, 'data set');
    const reference = required(found.reference, 'record of the cluster');
    const client = lab.client();
    const options = { signal, timeoutMs: 60_000 };
    try {
      const freed = await measured('restore', async () => {
        const before = await client.status({}, options);
        const range = { key: Buffer.from(`${prefix}filler/`), range_end: Buffer.from(`${prefix}filler0`) };
        const { header } = await client.deleteRange(range, options);
        // The values are gone only when no revision has them any more; the recorded keys are as they were then.
        const revision = header?.revision ?? 0;
        await client.compact({ revision, physical: true }, options);
        found.reference = { ...reference, hashKv: undefined, readAt: revision };
        progress(`compacted at revision ${revision}`);
        for (const { name, clientUrl: endpoint } of lab.nodes) {
          progress(`defragmenting ${name}`);
          await client.defragment({}, { ...options, endpoint });
        }
        await disarm(client, AlarmType.NOSPACE, signal);
        // At exactly the revision of a compaction, members answer HashKV from what they remember of it, and one that was
        // restarted since remembers nothing: compared are later revisions.
        const key = Buffer.from(`${prefix}filler/again`);
        await client.put({ key, value: key }, options);
        await client.deleteRange({ key }, options);
        return before.dbSize - (await client.status({}, options)).dbSize;
      });
      for (const { name, host } of lab.nodes) {
        await configureMember(lab, name);
        await host.service.stop();
        await host.service.start();
        await waitUntilHealthy(lab, { signal });
      }
      const { summary, recovery } = await measured('start', () => waitUntilServing(lab, { signal, progress, now }));
      found.recovery = recovery;
      return `${Math.round(freed / mebibyte)} MiB given back; ${summary}`;
    } finally {
      client.close();
    }
  },
});
