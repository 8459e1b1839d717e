/** Several labs on one machine, brought up and drilled side by side, as a fleet is. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Engine, EngineRow, Figure, Measured, Scale, Surroundings } from '../row.ts';
import { withLab } from './lab.ts';

const fleets = (scale: Scale): readonly number[] => (scale.isQuick ? [1] : [1, 2, 4]);

/** @returns how long it took until every lab was up, drilled and proved, in s */
async function drillFleet(engine: Engine, labs: number, surroundings: Surroundings): Promise<number> {
  const { scale, scratch } = surroundings;
  const startMs = performance.now();
  const drills = Array.from({ length: labs }, async (_, i) => {
    const own = path.join(scratch, `${labs}-${i}`);
    await mkdir(own);
    return await withLab(engine, { ...surroundings, scratch: own }, async (lab) => {
      await lab.command('up', '--json');
      if (!scale.isQuick) await lab.command('drill', 'run', 'restore', '--yes', '--json');
      return performance.now();
    });
  });
  // The folder of a lab must stay until the lab is gone.
  await Promise.allSettled(drills);
  return (Math.max(...(await Promise.all(drills))) - startMs) / 1000;
}

export const fleetRows: readonly EngineRow[] = [
  {
    ...{
      name: 'fleet',
      title: 'labs brought up and drilled side by side',
      on: 'programs',
      maxRounds: 1,
      isLarge: true,
    },
    figures: (scale) =>
      Object.fromEntries(
        fleets(scale).map((labs): [string, Figure] => [
          `labs-${labs}`,
          { title: String(labs), unit: 's', better: 'lower', growth: { of: 'up and drill', with: 'labs', at: labs } },
        ]),
      ),
    measure: async (engine, surroundings): Promise<Measured> => {
      const measured: Record<string, number> = {};
      for (const labs of fleets(surroundings.scale)) {
        measured[`labs-${labs}`] = await drillFleet(engine, labs, surroundings);
      }
      return measured;
    },
  },
];
