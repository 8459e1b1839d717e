/** The unit file of a member, from `templates/etcd.service`. */
import { readFile } from 'node:fs/promises';
import { Eta } from 'eta';
import type { ServiceDefinition } from '../host.ts';

const template = new URL('../../../templates/etcd.service', import.meta.url);
/** Nothing is escaped unasked: this is no HTML. */
const eta = new Eta({ autoEscape: false, autoTrim: [false, 'nl'] });

/** Tells which definition a process was started with; read back from its environment. */
export const revisionVariable = 'ETCDLAB_REVISION';

/** By this, a unit that is ours is told from one that somebody else put there. */
export const unitMark = 'rendered by etcdlab';

/** @returns the word as systemd takes it in ExecStart= and Environment= (systemd.syntax(7), systemd.service(5)) */
export function quoteUnitWord(word: string): string {
  if (/[\0\n]/.test(word)) throw new TypeError('a unit file cannot hold a NUL byte or a line break');
  const escaped = word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return `"${escaped}"`;
}

/**
 * @param user whom the member runs as
 * @param dataRoot the only folder that the member may write to
 * @returns the text; equal input gives equal text
 */
export async function renderUnit(definition: ServiceDefinition, user: string, dataRoot: string): Promise<string> {
  const { executable, args, environment = {}, revision } = definition;
  return eta.renderString(await readFile(template, 'utf8'), {
    user,
    dataRoot,
    command: [executable, ...args],
    environment: [...Object.entries(environment), [revisionVariable, revision]],
    quote: quoteUnitWord,
  });
}
