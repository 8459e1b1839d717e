import { z } from 'zod';
import { engineBinaries, ensureBuilt, missingBinaries } from '../../toolkit/lab/engine.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { waitUntilHealthy } from '../../toolkit/provision/health/mod.ts';
import { configureMember } from '../../toolkit/provision/members.ts';
import { writeBatches } from '../dataset/write.ts';
import { type DrillContext, inconclusive, required } from '../engine/context.ts';
import { defineStep } from './step.ts';

/**
 * Puts the other engine under one member after the other, on the data that is there, and writes through every member
 * after each. The lab's state goes on naming its own engine: whatever interrupts the drill, undoing it leads back there.
 */
export const moveToOtherEngine = defineStep({
  name: 'move-to-other-engine',
  parameters: z.strictObject({}),
  needs: ['dataSet', 'reference'],
  makes: ['disasterAt'],
  title: () => 'Move every member to the other engine, one after the other, and write in between',
  unmet: (_, { lab, otherEngine }) => {
    if (lab.state.provider !== 'local') return 'it needs members on this machine: provider local';
    return otherEngine === undefined
      ? 'it needs the other engine: name the folder of upstream’s executables with --other-engine or $ETCDLAB_UPSTREAM'
      : undefined;
  },
  async run(context, _parameters) {
    const { lab, runId, signal, found, journal, now } = context;
    const engine = required(context.otherEngine, 'other engine');
    const dataSet = required(found.dataSet, 'data set');
    const reference = required(found.reference, 'record of the cluster');
    if (engine.kind === 'built-in') await ensureBuilt();
    const missing = await missingBinaries(engineBinaries(engine));
    if (missing.length > 0) throw inconclusive(`not there or not executable: ${missing.join(', ')}`);

    await journal.beginRepair(lab, runId, { restart: true });
    found.disasterAt = now();
    const moved = lab.onEngine(engine);
    const client = lab.client();
    let lastRevision = reference.revision;
    try {
      const perMember = Math.ceil(dataSet.after.length / lab.nodes.length);
      for (const [i, { name }] of lab.nodes.entries()) {
        await moveMember(moved, name, context);
        const batches = dataSet.after.slice(i * perMember, (i + 1) * perMember);
        if (batches.length > 0) lastRevision = await writeBatches(client, batches, { signal, patienceMs: 15_000 });
        found.written.push(...batches);
      }
    } finally {
      client.close();
      await moved.close();
    }
    found.reference = { ...reference, laterKeys: dataSet.laterKeys, lastRevision };
    found.checks.push({
      name: 'every-mix-healthy',
      passed: true,
      expected: 'after each member: all serve linearizable reads, hold the same data, and none has an alarm',
      observed: `so it was ${lab.nodes.length} times, from one member on engine ${engine.kind} to all`,
    });
    return `${lab.nodes.length} members on engine ${engine.kind}, ${lastRevision - reference.revision} revisions acknowledged meanwhile`;
  },
});

export const moveBack = defineStep({
  name: 'move-back',
  parameters: z.strictObject({}),
  needs: ['disasterAt'],
  makes: ['recovery'],
  title: () => 'Move every member back to the engine of the lab, one after the other',
  run: (context) =>
    context.measured('start', async () => {
      const { lab, found, now } = context;
      for (const { name } of lab.nodes) await moveMember(lab, name, context);
      found.recovery = { at: now() };
      return `${lab.nodes.length} members on engine ${lab.state.engine.kind}`;
    }),
});

/** @param lab with the engine that the member is to run @throws LabError when the cluster is not healthy then */
async function moveMember(lab: Lab, name: string, { signal, progress }: DrillContext): Promise<void> {
  progress(`${name}: engine ${lab.state.engine.kind}`);
  await configureMember(lab, name);
  await lab.stop(name);
  await lab.start(name);
  await waitUntilHealthy(lab, { signal, onReason: progress });
}
