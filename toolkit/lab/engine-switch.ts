/** What a switch of the engine needs to know when it was interrupted: where it came from, and what the members held. */
import { readFile, rm } from 'node:fs/promises';
import { z } from 'zod';
import { LabError } from '../errors.ts';
import { writeFileAtomically } from '../hosts/atomic-file.ts';
import { engineStateSchema, type LabPaths } from './state.ts';

const schema = z.strictObject({
  from: engineStateSchema,
  /** HashKV of every member before the first was moved. */
  before: z.strictObject({ revision: z.number(), hash: z.number(), compactRevision: z.number() }),
});

export type EngineSwitch = z.output<typeof schema>;

/** @returns the switch that has not come to its end; undefined: none @throws LabError LAB_STATE */
export async function readEngineSwitch({ engineSwitchFile: file }: LabPaths): Promise<EngineSwitch | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const advice = `remove the file, and bring all members to one engine: etcdlab up`;
    throw new LabError('LAB_STATE', `${file}, about an interrupted switch, cannot be read`, { advice, cause });
  }
}

/** Written before the first member is moved. */
export async function writeEngineSwitch({ engineSwitchFile: file }: LabPaths, journal: EngineSwitch): Promise<void> {
  await writeFileAtomically(file, `${JSON.stringify(journal)}\n`, 0o600);
}

/** All members run one engine again, whichever. */
export async function endEngineSwitch({ engineSwitchFile: file }: LabPaths): Promise<void> {
  await rm(file, { force: true });
}
