/**
 * Where the simulated world is put under the server's code, without that code knowing: members get the simulated peers
 * in place of `server/peer/`, and a mutant's changes are made to the source text as it is loaded.
 *
 * Import this before anything of the server, and the rest of the simulation with `import()` afterwards.
 */
import { registerHooks } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** One change of a file's text. */
export interface Patch {
  /** From the root of the repository. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

const root = path.resolve(import.meta.dirname, '../..');
const urlOf = (file: string): string => pathToFileURL(path.join(root, file)).href;
const realPeers = urlOf('server/peer/mod.ts');
const simulatedPeers = urlOf('test/simulation/peers.ts');
const members = urlOf('server/member/');

/** @param patches made to the text of whatever is loaded from now on */
export function installSeams(patches: readonly Patch[] = []): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      const isForMember = resolved.url === realPeers && context.parentURL?.startsWith(members) === true;
      return isForMember ? { ...resolved, url: simulatedPeers } : resolved;
    },
    load(url, context, nextLoad) {
      const wanted = patches.filter(({ file }) => urlOf(file) === url);
      const loaded = nextLoad(url, context);
      if (wanted.length === 0) return loaded;
      return { ...loaded, source: wanted.reduce(applyPatch, Buffer.from(loaded.source as Uint8Array).toString()) };
    },
  });
}

/** @throws Error when the text to change is not there exactly once: the code has moved on, and the patch must follow */
export function applyPatch(source: string, { file, find, replace }: Patch): string {
  const parts = source.split(find);
  if (parts.length !== 2) throw new Error(`the patch of ${file} finds ${parts.length - 1} places for: ${find}`);
  return parts.join(replace);
}
