/** What the v2 tool prints: simple, extended and json (contract: cli §8). */
import { type GoJsonValue, goJson } from '../../base/go-json.ts';
import type { CliIo } from '../../cli/io.ts';
import type { V2Change, V2Node } from './node-store.ts';

/** As `V2Change`, and for what is only looked at. */
export type V2Answer = Pick<V2Change, 'action' | 'node' | 'index'> & Partial<Pick<V2Change, 'before'>>;

/** @param format `simple`, `extended` or `json`; anything else prints nothing, as upstream's does */
export function printAnswer(io: CliIo, format: string, { action, node, before, index }: V2Answer): void {
  const print = (line: string): void => void io.stdout.write(`${line}\n`);
  if (format === 'simple') {
    print(action === 'delete' ? `PrevNode.Value: ${before?.value ?? ''}` : node.value);
  } else if (format === 'extended') {
    print(`Key: ${node.key}\nCreated-Index: ${node.createdIndex}\nModified-Index: ${node.modifiedIndex}`);
    if (before !== undefined) print(`PrevNode.Value: ${before.value}`);
    print(`TTL: ${node.ttl}\nIndex: ${index}`);
    if (action !== 'delete') print(`\n${node.value}`);
  } else if (format === 'json') {
    print(goJson({ action, node: jsonNode(node), prevNode: before === undefined ? null : jsonNode(before) }));
  }
}

function jsonNode({ key, isDirectory, value, createdIndex, modifiedIndex, ttl }: V2Node): GoJsonValue {
  return {
    key,
    ...(isDirectory && { dir: true }),
    ...{ value, nodes: null, createdIndex, modifiedIndex },
    ...(ttl > 0 && { expiration: new Date(Date.now() + 1000 * ttl).toISOString(), ttl }),
  };
}
