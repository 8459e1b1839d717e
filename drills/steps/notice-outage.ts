import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { messageOf, throwIfInterrupted } from '../../toolkit/errors.ts';
import { defineStep } from './step.ts';

const deadlineMs = 20_000;
const pollMs = 50;
/** A member that is there answers in milliseconds. */
const probeTimeoutMs = 500;

/**
 * Watches from outside until the disaster shows: members that do not answer, and whether the cluster still serves.
 */
export const noticeOutage = defineStep({
  name: 'notice-outage',
  parameters: z.strictObject({
    /** Whether the members that are left must be able to serve. */
    serves: z.boolean(),
  }),
  needs: ['disasterAt'],
  makes: [],
  title: ({ serves }) =>
    serves
      ? 'Notice the outage, and that the cluster serves on'
      : 'Notice the outage, and that the cluster does not serve',
  run: ({ lab, signal, found, progress, measured }, { serves }) =>
    measured('detect', async () => {
      const down = found.hurt ?? lab.nodes.map(({ name }) => name);
      const client = lab.client();
      const end = performance.now() + deadlineMs;
      try {
        for (;;) {
          throwIfInterrupted(signal);
          const answers = await Promise.all(
            lab.nodes.map(({ clientUrl: endpoint }) =>
              client.status({}, { endpoint, signal, timeoutMs: probeTimeoutMs }).then(
                () => true,
                () => false,
              ),
            ),
          );
          const silent = lab.nodes.map(({ name }) => name).filter((_, i) => answers[i] === false);
          const left = lab.nodes.find(({ name }) => !down.includes(name));
          const read = await client
            .range(
              { key: Buffer.from('health') },
              { endpoint: (left ?? lab.nodes[0])?.clientUrl, signal, timeoutMs: 1000 },
            )
            .then(() => undefined, messageOf);
          const isSeen =
            silent.join() ===
            lab.nodes
              .map(({ name }) => name)
              .filter((name) => down.includes(name))
              .join();
          const observed = `${silent.join(', ') || 'nobody'} silent; a linearizable read ${read === undefined ? 'is answered' : `fails: ${read}`}`;
          const passed = isSeen && (read === undefined) === serves;
          if (passed || performance.now() > end) {
            const expected = `${down.join(', ')} silent; a linearizable read ${serves ? 'is answered' : 'fails'}`;
            found.checks.push({ name: 'outage-noticed', passed, expected, observed });
            return observed;
          }
          progress(observed);
          await delay(pollMs, undefined, { signal }).catch(() => undefined);
        }
      } finally {
        client.close();
      }
    }),
});
