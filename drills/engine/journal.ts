/**
 * What a drill has moved aside and how to put it back. Written before anything is moved, so that a drill that is
 * interrupted at any moment, even by SIGKILL or a power cut, can be undone by the next command.
 */
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { LabError, messageOf } from '../../toolkit/errors.ts';
import { syncDirectory, writeFileAtomically } from '../../toolkit/hosts/atomic-file.ts';
import type { Host } from '../../toolkit/hosts/host.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import type { NodePaths } from '../../toolkit/lab/nodes.ts';
import { configureMember } from '../../toolkit/provision/members.ts';
import { repairLab } from '../recovery/repair-lab.ts';

const schema = z.strictObject({
  runId: z.string(),
  /** The drill has proved its result: what was moved aside is to be removed, and may be half removed already. */
  settled: z.boolean().default(false),
  /**
   * `put-back`: all members get their data from before again. `repair`: the cluster has gone on without the members
   * that are named; their old data is of no use any more, and they join it anew.
   */
  undo: z.enum(['put-back', 'repair']).default('put-back'),
  /** Members run with a configuration that they must forget. */
  restart: z.boolean().default(false),
  /** Keys of authorities that are taken away, and come back when the drill is undone before it has made new ones. */
  files: z.array(z.strictObject({ path: z.string(), aside: z.string() })).default([]),
  /** Members were started on what the drill has made: whoever wrote since then, wrote there. */
  served: z.boolean().default(false),
  /** The id of the backup that is being restored; it can be gone on with. */
  restoring: z.string().optional(),
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

  /** The run that the journal is of. */
  get runId(): string | undefined {
    return this.entries?.runId;
  }

  /** Whether members may have been started on what was made. */
  get hasServed(): boolean {
    return this.entries?.served === true;
  }

  /** The backup whose restore was begun and has neither ended nor been undone. */
  get restoring(): string | undefined {
    return this.entries?.settled === true ? undefined : this.entries?.restoring;
  }

  /** Where the data of before the drill lies, by member. */
  get asideByNode(): Record<string, string> {
    return Object.fromEntries(Object.entries(this.entries?.nodes ?? {}).map(([name, { aside }]) => [name, aside]));
  }

  /** Where the keys of authorities lie that were taken away, by the name of their file. */
  get keysAside(): Record<string, string> {
    return Object.fromEntries(
      (this.entries?.files ?? []).map(({ path: place, aside }) => [path.basename(place), aside]),
    );
  }

  /** What is written down, as text; undefined when nothing was moved aside. */
  get text(): string | undefined {
    return this.entries && JSON.stringify(this.entries, undefined, 2);
  }

  /** Whether undoing puts old data back; otherwise it repairs the cluster as it is. */
  get putsBack(): boolean {
    return this.entries?.undo === 'put-back';
  }

  /**
   * Records that the data of all members is about to be moved aside.
   *
   * @param restoring the backup that takes its place, unless that is a drill's business
   */
  async begin(lab: Lab, runId: string, restoring?: string): Promise<void> {
    await this.open(
      lab,
      runId,
      lab.nodes.map(({ name }) => name),
      { undo: 'put-back', ...(restoring !== undefined && { restoring }) },
    );
  }

  /**
   * Records that something is about to be hurt that the cluster survives.
   *
   * @param options.hurt members whose data will be gone, or not to be trusted any more
   * @param options.restart whether members get a configuration that they must forget
   * @param options.files keys of authorities that are about to be taken away
   */
  async beginRepair(
    lab: Lab,
    runId: string,
    options: { hurt?: readonly string[]; restart?: boolean; files?: Entries['files'] } = {},
  ): Promise<void> {
    const { hurt = [], restart = false, files = [] } = options;
    await this.open(lab, runId, hurt, { undo: 'repair', restart, files });
  }

  /** Records that members are about to serve what the drill has made. */
  async serving(): Promise<void> {
    if (this.entries !== undefined && !this.entries.served) await this.record({ ...this.entries, served: true });
  }

  private async open(
    lab: Lab,
    runId: string,
    names: readonly string[],
    how: Pick<Entries, 'undo'> & Partial<Pick<Entries, 'restart' | 'restoring' | 'files'>>,
  ): Promise<void> {
    const nodes = names.map((name): [string, Entries['nodes'][string]] => {
      const { paths } = lab.node(name);
      return [name, { data: paths.data, aside: `${paths.data}.before-${runId}`, bootstrap: lab.bootstrap(name) }];
    });
    const entries = { runId, settled: false, restart: false, served: false, files: [] };
    await this.record({ ...entries, nodes: Object.fromEntries(nodes), ...how });
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
    // Come back after a power cut, it would have what has ended undone.
    await syncDirectory(path.dirname(this.file));
  }

  /**
   * Undoes the drill. Either puts everything back as it was before the drill moved it: stops the members, moves what
   * the drill made out of the way, and the old data and configuration in, without starting the members. Or repairs the
   * cluster, which has gone on meanwhile. Can be repeated when it was interrupted.
   *
   * @param keepWrites whether to keep what the members have served since the disaster
   * @returns where that lies, by member
   * @throws LabError when a cluster that has gone on cannot be repaired
   */
  async rollBack(lab: Lab, keepWrites: boolean, signal: AbortSignal): Promise<Record<string, string>> {
    const { entries } = this;
    if (entries === undefined) return {};
    if (entries.undo === 'repair') {
      const { restart, files } = entries;
      await repairLab(lab, { replace: this.asideByNode, restart, files }, signal);
      await this.discard(lab);
      return {};
    }
    // From here on the old data may be back in its place: it must not be taken for what was restored.
    await this.record({ ...entries, restoring: undefined });
    const kept = keepWrites && entries.served;
    const after = ({ data }: Entries['nodes'][string]): string => `${data}.after-${entries.runId}`;
    await Promise.all(
      Object.entries(entries.nodes).map(async ([name, entry]) => {
        const { data, aside, bootstrap } = entry;
        const { host, paths } = lab.node(name);
        await host.service.stop();
        await removeRestoreRemains(host, paths, entries.runId);
        if (await host.exists(aside)) {
          const failed = kept ? after(entry) : `${data}.failed-${entries.runId}`;
          // Made by the drill from a snapshot that is still there; the old data is not touched before it is back.
          if (!kept) await host.remove(failed);
          if (await host.exists(data)) await host.rename(data, failed);
          await host.rename(aside, data);
          if (!kept) await host.remove(failed);
        }
        await configureMember(lab, name, bootstrap);
      }),
    );
    await this.close();
    return kept ? Object.fromEntries(Object.entries(entries.nodes).map(([name, entry]) => [name, after(entry)])) : {};
  }
}

/** What a restore that was cut off leaves beside the data: the copy of the snapshot, and a directory half made. */
export async function removeRestoreRemains(host: Host, paths: NodePaths, runId: string): Promise<void> {
  const halfMade = `${path.basename(paths.data)}.restore-`;
  for (const name of await host.list(paths.root)) {
    if (name.startsWith(`restore-${runId}.db`) || name.startsWith(halfMade)) {
      await host.remove(path.join(paths.root, name));
    }
  }
}
