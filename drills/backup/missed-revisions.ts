/** What a restore means for clients that watch: revisions they were told of may be given out a second time. */
import type { Lab } from '../../toolkit/lab/lab.ts';

/** A member that is there answers in milliseconds. */
const statusTimeoutMs = 2000;

/** @returns the last revision that any member that answers holds; undefined when none does */
export async function heldRevision(lab: Lab, signal: AbortSignal): Promise<number | undefined> {
  const client = lab.client();
  try {
    const answers = await Promise.allSettled(
      lab.nodes.map(({ clientUrl: endpoint }) => client.status({}, { endpoint, signal, timeoutMs: statusTimeoutMs })),
    );
    const revisions = answers.flatMap((answer) =>
      answer.status === 'fulfilled' ? [answer.value.header?.revision ?? 0] : [],
    );
    return revisions.length === 0 ? undefined : Math.max(...revisions);
  } finally {
    client.close();
  }
}

/**
 * @param held the last revision before the restore; undefined when no member says
 * @param restored the revision after it, a raise included
 * @param bump what raises it enough
 * @returns what clients that watched miss without being told; undefined when they miss nothing
 */
export function describeMissed(held: number | undefined, restored: number, bump: number): string | undefined {
  const cure = `restart them, or restore with --bump-revision ${bump}: then they are told to read anew`;
  if (held === undefined) {
    return `no member says at which revision the lab was: if it was beyond ${restored}, clients that watch go on without a word and miss what is given the same revisions; ${cure}`;
  }
  if (held <= restored) return undefined;
  const missed = held === restored + 1 ? `revision ${held}` : `revisions ${restored + 1} to ${held}`;
  return `clients that watch and were told of revision ${held} go on without a word and miss ${missed}, given to new writes; ${cure}`;
}
