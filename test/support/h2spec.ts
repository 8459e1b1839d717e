/** h2spec, the conformance suite of HTTP/2. */
import { existsSync } from 'node:fs';

/**
 * Where h2spec is, from ETCDLAB_H2SPEC. Tests that need it are skipped, visibly, for whoever has not got it; continuous
 * integration must have it.
 *
 * @throws Error in continuous integration when it is not there
 */
export function findH2spec(): string | undefined {
  const program = process.env.ETCDLAB_H2SPEC;
  if (program !== undefined && existsSync(program)) return program;
  if (process.env.CI) throw new Error('ETCDLAB_H2SPEC must name the executable of h2spec');
  return undefined;
}
