import { z } from 'zod';
import { engineBinaries, missingBinaries } from '../../toolkit/lab/engine.ts';
import { allDone } from '../../toolkit/provision/side-by-side.ts';
import { inconclusive, required } from '../engine/context.ts';
import { restoreLab } from '../recovery/restore-lab.ts';
import { createScratchLab, removeScratchLab } from '../scratch/scratch-lab.ts';
import { waitUntilServing } from './start-all-members.ts';
import { defineStep } from './step.ts';

/**
 * Restores the snapshot onto a cluster of its own in an empty directory, with new certificates: what a backup must be
 * enough for when nothing else is left. That cluster is the one that is verified.
 */
export const restoreElsewhere = defineStep({
  name: 'restore-elsewhere',
  parameters: z.strictObject({ engine: z.enum(['same', 'other']).default('same') }),
  needs: ['snapshot', 'reference', 'disasterAt'],
  makes: ['target', 'restoredFrom', 'recovery'],
  title: ({ engine }) =>
    `Restore onto a new cluster in an empty directory${engine === 'other' ? ', on the other engine' : ''}`,
  unmet: ({ engine }, { otherEngine }) =>
    engine === 'other' && otherEngine === undefined
      ? 'it needs the other engine: name the folder of upstream’s executables with --other-engine or $ETCDLAB_UPSTREAM'
      : undefined,
  async run({ lab, runId, directory, otherEngine, signal, found, progress, now, measured, onEnd }, { engine }) {
    const { path: snapshot } = required(found.snapshot, 'snapshot');
    const reference = required(found.reference, 'record of the cluster');
    const kind = engine === 'same' ? lab.state.engine : required(otherEngine, 'other engine');
    if (kind.kind === 'upstream') {
      const missing = await missingBinaries(engineBinaries(kind));
      if (missing.length > 0) throw inconclusive(`not there or not executable: ${missing.join(', ')}`);
    }
    const scratch = await createScratchLab({ directory, engine: kind, members: lab.nodes.length });
    onEnd(() => removeScratchLab(scratch));
    const token = `${scratch.name}-${runId}`;
    found.restoredFrom = await restoreLab(scratch, { snapshot, token, runId, signal, progress, measured });
    const { summary, recovery } = await measured('start', async () => {
      await allDone(scratch.nodes.map(({ host }) => host.service.start()));
      return waitUntilServing(scratch, { signal, progress, now });
    });
    found.recovery = recovery;
    found.target = scratch;
    found.reference = {
      ...reference,
      members: scratch.nodes.map(({ name, peerUrl, clientUrl }) => ({
        name,
        peerURLs: [peerUrl],
        clientURLs: [clientUrl],
        isLearner: false,
      })),
    };
    return `${summary}, on engine ${kind.kind}`;
  },
});

/** Nothing of the lab is hurt, but nothing of it is used either. */
export const loseEverything = defineStep({
  name: 'lose-everything',
  parameters: z.strictObject({}),
  needs: ['snapshot'],
  makes: ['disasterAt'],
  title: () => 'Pretend that nothing is left but the snapshot',
  async run({ found, now }) {
    found.disasterAt = now();
    return 'from here on nothing of the lab is used but the snapshot file';
  },
});
