/**
 * All that a check can see. Nothing here writes or repairs; a new observation must not either. Whatever is missing or
 * cannot be reached is a value or an error with a sentence, within seconds.
 */
import { EtcdClient } from '../../../server/client/mod.ts';
import type { Lab } from '../../../toolkit/lab/lab.ts';
import type { WorkshopPaths } from '../paths.ts';
import { certificateObservations } from './certificates.ts';
import { clusterObservations } from './cluster.ts';
import { fileObservations } from './files.ts';
import { keyObservations } from './keys.ts';

/** A member that is well answers in milliseconds; who watches wants to know within seconds. */
const timeoutMs = 2000;

export type Observer = ReturnType<typeof openObserver>;

/** @returns what can be seen of a lab, with the certificates as they are now; to be closed */
export function openObserver(lab: Lab, { work, notes }: Pick<WorkshopPaths, 'work' | 'notes'>) {
  const client = new EtcdClient({
    endpoints: lab.endpoints(),
    tls: lab.clientTlsMaterial(),
    dialTimeoutMs: timeoutMs,
    requestTimeoutMs: timeoutMs,
  });
  const observations = {
    ...keyObservations(lab, client, timeoutMs),
    ...clusterObservations(lab, client, timeoutMs),
    ...fileObservations(work, notes),
    ...certificateObservations(lab, work, timeoutMs),
  };
  return { observations, close: () => client.close() };
}

/** What the author of a check is given as `see`. */
export type See = Observer['observations'];
