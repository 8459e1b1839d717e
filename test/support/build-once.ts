/** Vitest's global set-up: the executables are built once, before any test that runs them. */
import { ensureBuilt } from '../../scripts/build.ts';

export async function setup(): Promise<void> {
  await ensureBuilt();
}
