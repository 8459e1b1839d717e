/**
 * What the workshop keeps in a lab's folder:
 *
 *     workshop/progress.json  how far the learner is
 *     workshop/events.jsonl   what happened, one line each, the newest last
 *     workshop/work/          the learner's files of the exercise that is open; a shell may stay there from one to the next
 *     workshop/notes/         what its setup has written down for its check
 *     workshop/logs/          what the scripts have said
 *     workshop/bin/etcdlab    this program, under the name that scripts and learners type
 */
import path from 'node:path';
import type { LabPaths } from '../../toolkit/lab/state.ts';

export interface WorkshopPaths {
  readonly root: string;
  readonly progressFile: string;
  readonly eventsFile: string;
  readonly programs: string;
  readonly work: string;
  readonly notes: string;
  readonly log: (id: string, script: string) => string;
}

/** @param folder in the lab's own */
export function workshopPaths(lab: Pick<LabPaths, 'root'>, folder = 'workshop'): WorkshopPaths {
  const root = path.join(lab.root, folder);
  return {
    root,
    progressFile: path.join(root, 'progress.json'),
    eventsFile: path.join(root, 'events.jsonl'),
    programs: path.join(root, 'bin'),
    work: path.join(root, 'work'),
    notes: path.join(root, 'notes'),
    log: (id, script) => path.join(root, 'logs', `${id}-${script}.log`),
  };
}
