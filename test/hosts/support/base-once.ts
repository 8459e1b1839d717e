/** Vitest's global set-up: what machines are made of is there before several tests ask for it at the same time. */
import { prepareMachines, whyNoMachines } from './machines.ts';

export async function setup(): Promise<void> {
  if (whyNoMachines() === undefined) await prepareMachines();
}
