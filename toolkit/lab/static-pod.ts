/** A member as a static pod of a kubelet, from `templates/static-pod.yaml`. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Eta } from 'eta';
import type { LabNode } from './nodes.ts';
import { projectRoot } from './project.ts';

/** As in a member's configuration: each value is a quoted YAML scalar. */
const eta = new Eta({
  autoEscape: true,
  escapeFunction: (value) => JSON.stringify(value),
  // Newlines after a tag stay: they end YAML lines.
  autoTrim: false,
});

/** @param image of etcd @returns the manifest; equal input gives equal text */
export async function renderStaticPod(node: LabNode, image: string): Promise<string> {
  const template = await readFile(join(projectRoot, 'templates', 'static-pod.yaml'), 'utf8');
  return eta.renderString(template, {
    name: node.name,
    image,
    address: node.address,
    clientPort: node.clientPort,
    configFile: node.paths.configFile,
    configFolder: dirname(node.paths.configFile),
    dataRoot: node.paths.root,
  });
}
