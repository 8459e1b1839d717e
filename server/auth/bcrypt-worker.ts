/** The thread that passwords are hashed on. `passwords.ts` starts it and speaks with it. */
import { parentPort } from 'node:worker_threads';
import { hashSync, isMatchSync } from './bcrypt.ts';

/** Either makes a hash of a password, or compares it with one. */
export type BcryptJob =
  | { readonly kind: 'hash'; readonly password: string; readonly cost: number }
  | { readonly kind: 'compare'; readonly password: string; readonly hash: string };

export type BcryptAnswer = { readonly result: string | boolean } | { readonly problem: string };

parentPort?.on('message', (job: BcryptJob) => {
  const { password } = job;
  let answer: BcryptAnswer;
  try {
    answer = { result: job.kind === 'hash' ? hashSync(password, job.cost) : isMatchSync(password, job.hash) };
  } catch (error) {
    answer = { problem: (error as Error).message };
  }
  parentPort?.postMessage(answer);
});
