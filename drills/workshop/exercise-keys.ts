/** The keys of an exercise: under prefixes of its own, so that the learner's other keys are never touched. */
import { LabError } from '../../toolkit/errors.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import type { Exercise } from './exercise.ts';
import { prefixRange } from './observer/keys.ts';

/** What is under the prefixes is deleted in the end: nobody else's keys may be there. @throws LabError LAB_EXERCISE_KEYS */
export async function requireNoKeys(lab: Lab, { id, keys }: Exercise): Promise<void> {
  const client = lab.client();
  try {
    for (const prefix of keys) {
      const { count } = await client.range({ ...prefixRange(prefix), count_only: true });
      if (count === 0) continue;
      throw new LabError(
        'LAB_EXERCISE_KEYS',
        `exercise '${id}' uses keys under ${prefix}, and there are ${count} already`,
        { advice: `etcdlab ctl get --prefix --keys-only ${prefix} shows them; move or delete them first` },
      );
    }
  } finally {
    client.close();
  }
}

export async function deleteKeys(lab: Lab, { keys }: Exercise): Promise<void> {
  const client = lab.client();
  try {
    for (const prefix of keys) await client.deleteRange(prefixRange(prefix));
  } finally {
    client.close();
  }
}
