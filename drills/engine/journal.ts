/**
 * What a drill has moved aside and how to put it back. Written before anything is moved, so that a drill that is
 * interrupted at any moment, even by SIGKILL or a power cut, can be undone by the next command.
 */
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { LabError, messageOf } from '../../toolkit/errors.ts';
import { writeFileAtomically } from '../../toolkit/hosts/atomic-file.ts';
import type { Host } from '../../toolkit/hosts/host.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import type { NodePaths } from '../../toolkit/lab/nodes.ts';
import { configureMember } from '../../toolkit/provision/members.ts';

const schema = z.strictObject({
  runId: z.string(),
  /** The drill has proved its result: what was moved aside is to be removed, and may be half removed already. */
  settled: z.boolean().default(false),
  nodes: z.record(
    z.string(),
    z.strictObject({
      data: z.string(),
      aside: z.string(),
      bootstrap: z.strictObject({
        token: z.string(),
        clusterState: z.enum(['new', 'existing']),
        cluster: z.record(z.string(), z.string()),
      }),
    }),
  ),
});
type Entries = z.output<typeof schema>;

export class Journal {
  private readonly file: string;
  private entries: Entries | undefined;

  private constructor(file: string, entries: Entries | undefined) {
    this.file = file;
    this.entries = entries;
  }

  /** @throws LabError LAB_STATE when the journal of an interrupted drill cannot be read */
  static async open(lab: Lab): Promise<Journal> {
    const file = lab.paths.drillJournalFile;
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) return new Journal(file, undefined);
    try {
      return new Journal(file, schema.parse(JSON.parse(text)));
    } catch (error) {
      throw new LabError(
        'LAB_STATE',
        `${file}, the journal of an interrupted drill, cannot be read: ${messageOf(error)}`,
        {
          advice: `look into the folders beside it for data.*: that is the members' data from before the drill`,
        },
      );
    }
  }

  /** Whether a drill has moved data aside and has neither finished nor put it back. */
  get isOpen(): boolean {
    return this.entries !== undefined;
  }

  /** Whether the drill had proved its result, and only the data moved aside was still to be removed. */
  get isSettled(): boolean {
    return this.entries?.settled === true;
  }

  /** Where the data of before the drill lies, by member. */
  get asideByNode(): Record<string, string> {
    return Object.fromEntries(Object.entries(this.entries?.nodes ?? {}).map(([name, { aside }]) => [name, aside]));
  }

  /** Records that the data of all members is about to be moved aside. */
  async begin(lab: Lab, runId: string): Promise<void> {
    const nodes = lab.nodes.map((node): [string, Entries['nodes'][string]] => [
      node.name,
      { data: node.paths.data, aside: `${node.paths.data}.before-${runId}`, bootstrap: lab.bootstrap(node.name) },
    ]);
    await this.record({ runId, settled: false, nodes: Object.fromEntries(nodes) });
  }

  private async record(entries: Entries): Promise<void> {
    await writeFileAtomically(this.file, JSON.stringify(entries, undefined, 2), 0o600);
    this.entries = entries;
  }

  /** The data moved aside is not needed any more: removes it. Can be repeated when it was interrupted. */
  async discard(lab: Lab): Promise<void> {
    // First of all: data that is half removed must never be put back.
    if (this.entries !== undefined) await this.record({ ...this.entries, settled: true });
    for (const [name, { aside }] of Object.entries(this.entries?.nodes ?? {})) await lab.node(name).host.remove(aside);
    await this.close();
  }

  /** Ends the drill and leaves the data where it was moved to. */
  async close(): Promise<void> {
    this.entries = undefined;
    await rm(this.file, { force: true });
  }

  /**
   * Puts everything back as it was before the drill moved it: stops the members, moves what the drill made out of the
   * way, and the old data and configuration in. Can be repeated when it was interrupted. Does not start the members.
   */
  async rollBack(lab: Lab): Promise<void> {
    const { entries } = this;
    if (entries === undefined) return;
    await Promise.all(
      Object.entries(entries.nodes).map(async ([name, { data, aside, bootstrap }]) => {
        const { host, paths } = lab.node(name);
        await host.service.stop();
        await removeRestoreRemains(host, paths, entries.runId);
        if (await host.exists(aside)) {
          const failed = `${data}.failed-${entries.runId}`;
          // Made by the drill from a snapshot that is still there; the old data is not touched before it is back.
          await host.remove(failed);
          if (await host.exists(data)) await host.rename(data, failed);
          await host.rename(aside, data);
          await host.remove(failed);
        }
        await configureMember(lab, name, bootstrap);
      }),
    );
    await this.close();
  }
}

/** What a restore that was cut off leaves beside the data: the copy of the snapshot, and a directory half made. */
async function removeRestoreRemains(host: Host, paths: NodePaths, runId: string): Promise<void> {
  const halfMade = `${path.basename(paths.data)}.restore-`;
  for (const name of await host.list(paths.root)) {
    if (name.startsWith(`restore-${runId}.db`) || name.startsWith(halfMade)) {
      await host.remove(path.join(paths.root, name));
    }
  }
}
