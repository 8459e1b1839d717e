import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { interrupted, throwIfInterrupted } from '../../toolkit/errors.ts';
import type { LabNode } from '../../toolkit/lab/nodes.ts';
import { openClusterView } from '../../toolkit/provision/health/mod.ts';
import { required } from '../engine/context.ts';
import { settledRevision } from '../recovery/record.ts';
import { readHashKv } from '../verification/observe.ts';
import { defineStep } from './step.ts';

const deadlineMs = 20_000;
const pollMs = 50;

/** A member that finds its data damaged must not serve it: it ends, and says why. */
export const noticeRefusedStart = defineStep({
  name: 'notice-refused-start',
  parameters: z.strictObject({}),
  needs: ['hurt'],
  makes: [],
  title: () => 'Notice that the member refuses to start, and says why',
  run: ({ lab, signal, found, measured }) =>
    measured('detect', async () => {
      const [name = ''] = required(found.hurt, 'member that was hurt');
      const node = lab.node(name);
      const end = performance.now() + deadlineMs;
      let { state } = await node.host.service.status();
      while (state !== 'exited' && performance.now() < end) {
        throwIfInterrupted(signal);
        await delay(pollMs, undefined, { signal }).catch(() => {
          throw interrupted();
        });
        ({ state } = await node.host.service.status());
      }
      const view = openClusterView(lab);
      const log = await view.tellingLog(node).finally(() => view.close());
      const observed = state === 'exited' ? `it has ended: ${log.at(-1) ?? 'its log is empty'}` : `it is ${state}`;
      const expected = `${name} ends by itself and its log says why`;
      found.checks.push({ name: 'refused-start', passed: state === 'exited' && log.length > 0, expected, observed });
      return observed;
    }),
});

/**
 * Members that hold different data, while each says it is healthy. etcd's own health check cannot see that; comparing
 * HashKV at one revision does.
 */
export const noticeDivergence = defineStep({
  name: 'notice-divergence',
  parameters: z.strictObject({}),
  needs: ['hurt'],
  makes: [],
  title: () => 'Ask each member for its health, then compare what they hold',
  run: ({ lab, signal, found, measured, progress }) =>
    measured('detect', async () => {
      const [hurt = ''] = required(found.hurt, 'member that was hurt');
      const client = lab.client();
      const view = openClusterView(lab);
      try {
        progress('waiting until every member says it is healthy');
        const healthy = await waitForHealthyWords(lab.nodes, view, signal);
        const revision = await settledRevision(client, lab, signal);
        const hashes = new Map<string, string>();
        for (const { name, clientUrl } of lab.nodes) {
          const seen = await readHashKv(client, clientUrl, revision, signal).then(
            ({ hash, compactRevision }) => `${hash}/${compactRevision}`,
            (error: Error) => error.message,
          );
          hashes.set(name, seen);
        }
        const others = new Set([...hashes].filter(([name]) => name !== hurt).map(([, hash]) => hash));
        const isFound = others.size === 1 && !others.has(hashes.get(hurt) as string);
        const list = [...hashes].map(([name, hash]) => `${name} ${hash}`).join(', ');
        found.checks.push(
          {
            name: 'says-healthy',
            passed: healthy,
            expected: 'every member answers a linearizable read, which is all that `endpoint health` asks',
            observed: healthy ? 'every member does' : 'not every member does',
          },
          {
            name: 'divergence-found',
            passed: isFound,
            expected: `the HashKV of ${hurt} differs from that of the others at revision ${revision}`,
            observed: list,
          },
        );
        return `HashKV at revision ${revision}: ${list}`;
      } finally {
        view.close();
        client.close();
      }
    }),
});

async function waitForHealthyWords(
  nodes: readonly LabNode[],
  view: ReturnType<typeof openClusterView>,
  signal: AbortSignal,
): Promise<boolean> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    throwIfInterrupted(signal);
    const answers = await Promise.all(
      nodes.map((node) =>
        view.linearizableRead(node).then(
          () => true,
          () => false,
        ),
      ),
    );
    if (answers.every((answer) => answer)) return true;
    if (performance.now() > end) return false;
    await delay(pollMs, undefined, { signal }).catch(() => {
      throw interrupted();
    });
  }
}
