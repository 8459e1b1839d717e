import { z } from 'zod';
import { required } from '../engine/context.ts';
import { replaceMember } from '../recovery/replace-member.ts';
import { waitUntilServing } from './start-all-members.ts';
import { defineStep } from './step.ts';

/** Replaces the members that were hurt, one after the other: removed, joined anew as learners, promoted. */
export const replaceMembers = defineStep({
  name: 'replace-members',
  parameters: z.strictObject({}),
  needs: ['hurt', 'reference'],
  makes: ['recovery'],
  title: () => 'Replace the member: remove it, let it join anew as a learner, promote it',
  async run({ lab, journal, signal, progress, found, now, measured }) {
    const reference = required(found.reference, 'record of the cluster');
    const hurt = required(found.hurt, 'member that was hurt');
    for (const name of hurt) {
      const aside = journal.asideByNode[name] as string;
      await measured('restore', () => replaceMember(lab, name, { aside, signal, progress }));
    }
    found.reference = { ...reference, replaced: [...reference.replaced, ...hurt] };
    const { summary, recovery } = await measured('start', () => waitUntilServing(lab, { signal, progress, now }));
    found.recovery = recovery;
    return `${hurt.join(', ')} replaced; ${summary}`;
  },
});
