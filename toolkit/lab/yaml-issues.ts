/** What a schema finds wrong with a YAML file, in words, and where in the file that is. */
import { type Document, isMap, isNode, isPair, isScalar, type Node } from 'yaml';
import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

/** @returns one issue for each unknown key, so that each is shown where it stands */
export function unfoldIssue(issue: Issue): Issue[] {
  if (issue.code !== 'unrecognized_keys') return [issue];
  return issue.keys.map((key) => ({ ...issue, keys: [key] }));
}

/** @returns such as `nodes.0.clientPort: must be 1..65535` */
export function describeIssue(issue: Issue): string {
  if (issue.code === 'unrecognized_keys') {
    return `unknown key ${[...issue.path, ...issue.keys].join('.')}`;
  }
  const message = issue.message.endsWith('received undefined')
    ? 'is missing'
    : issue.message.replace(/^Invalid (input|option): /, '').replace(/^Invalid discriminator value\. E/, 'e');
  return issue.path.length === 0 ? message : `${issue.path.join('.')}: ${message}`;
}

/** @returns where in the text the value of the issue is, or where the mapping is that lacks it */
export function offsetOfIssue(document: Document, issue: Issue): number {
  let node: Node | null = document.contents;
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] as string] : issue.path;
  let offset = startOf(node) ?? 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === step);
      if (pair === undefined) return offset;
      // An unknown key is shown at the key, a bad value at the value.
      offset = startOf(issue.code === 'unrecognized_keys' ? pair.key : pair.value) ?? startOf(pair.key) ?? offset;
      node = isNode(pair.value) ? pair.value : null;
    } else {
      const next: unknown = document.getIn(path.slice(0, path.indexOf(step) + 1) as (string | number)[], true);
      node = isNode(next) ? next : null;
      offset = startOf(node) ?? offset;
    }
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
