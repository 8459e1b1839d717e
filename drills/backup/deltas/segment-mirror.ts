/**
 * Sealed segments in a store elsewhere, beside the backups that they go with:
 *
 *     LAB/deltas/CHAIN/NUMBER-SHA256.delta.zst[.age]   compressed, encrypted as backups are; the digest is the segment's
 *     LAB/deltas/CHAIN/disproved-SHA256.zst[.age]      that a full backup has disproved the chain, and how
 *
 * Two writers that have gone on with the same chain show as segments of one number with two digests.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { LabError } from '../../../toolkit/errors.ts';
import { renameDurably } from '../../../toolkit/hosts/atomic-file.ts';
import { sha256OfFile } from '../../recovery/file-digest.ts';
import { contentOfFile, type ObjectStore } from '../stores/mod.ts';
import { decodeSnapshot, encodeSnapshot } from '../transport.ts';
import { chainPattern, disproofFile, type OnDamage, sealedName, sealedPattern } from './chain.ts';

export interface SegmentMirrorOptions {
  /** Closed by whoever opened it. */
  readonly store: ObjectStore;
  readonly lab: string;
  /** Of this machine; for what is on its way. */
  readonly scratch: string;
  /** An age public key; undefined: not encrypted. */
  readonly recipient: string | undefined;
  /** An age secret key, for those that are encrypted. */
  readonly identity: string | undefined;
  readonly signal: AbortSignal;
}

interface Mirrored {
  readonly object: string;
  readonly chain: string;
  readonly sha256: string;
  readonly isEncrypted: boolean;
}

interface MirroredSegment extends Mirrored {
  readonly number: number;
}

interface LocalSegment {
  readonly chain: string;
  readonly number: number;
  readonly file: string;
}

/** Told of a chain that another one has gone on with; by default it is thrown. */
export type OnFork = (chain: string, error: LabError) => void;

const throwFork: OnFork = (_, error) => {
  throw error;
};

const segmentPattern = /^(.+)\/(\d{8})-([0-9a-f]{64})\.delta\.zst(\.age)?$/;
const disproofPattern = /^(.+)\/disproved-([0-9a-f]{64})\.zst(\.age)?$/;

export class SegmentMirror {
  private readonly options: SegmentMirrorOptions;
  /** By file. What is sealed never changes. */
  private digests = new Map<string, string>();
  private readonly lacking = new Set<string>();

  constructor(options: SegmentMirrorOptions) {
    this.options = options;
  }

  /** Chains of which the store has segments that the last `pull` could not fetch: nobody may go on with them. */
  get incomplete(): ReadonlySet<string> {
    return this.lacking;
  }

  /**
   * Stores the sealed segments that the store lacks, and what has disproved a chain.
   *
   * @param chainsFolder that of all chains, on this machine
   * @param onFork takes that a chain is not the same here and there; the other chains are stored all the same
   * @returns how many
   * @throws LabError LAB_DELTA_FORK, unless `onFork` takes it; as `ObjectStore`
   */
  async push(chainsFolder: string, onFork: OnFork = throwFork): Promise<number> {
    const { segments, disproofs } = await this.list();
    const there = Map.groupBy(segments, keyOf);
    const local = await localSegments(chainsFolder);
    const forked = new Set<string>();
    const known = this.digests;
    this.digests = new Map();
    let pushed = 0;
    for (const segment of local) {
      const { chain, file } = segment;
      if (forked.has(chain)) continue;
      const sha256 = known.get(file) ?? (await sha256OfFile(file));
      this.digests.set(file, sha256);
      const stored = there.get(keyOf(segment)) ?? [];
      const others = stored.filter((each) => each.sha256 !== sha256);
      if (others.length > 0) {
        forked.add(chain);
        onFork(chain, twoWriters(segment, [file, ...others.map(({ object }) => object)]));
      } else if (stored.length === 0) {
        await this.store(file, `${chain}/${path.basename(file, '.delta')}-${sha256}.delta.zst`);
        pushed++;
      }
    }
    const told = new Set(disproofs.map(({ chain }) => chain));
    for (const chain of new Set(local.map((segment) => segment.chain))) {
      const file = disproofFile(path.join(chainsFolder, chain));
      if (told.has(chain) || !existsSync(file)) continue;
      await this.store(file, `${chain}/disproved-${await sha256OfFile(file)}.zst`);
    }
    return pushed;
  }

  /**
   * Fetches the segments that this machine lacks, each with the bytes that it was sealed with. What is before the first
   * that is here was pruned, and stays away.
   *
   * @param onDamage takes what is wrong with a segment; what is before it in its chain is fetched all the same
   * @returns how many
   * @throws LabError LAB_DELTA_FORK when two writers have gone on with one chain, LAB_BACKUP, LAB_STORE_OBJECT, unless
   *   `onDamage` takes it; as `ObjectStore`
   */
  async pull(chainsFolder: string, onDamage?: OnDamage): Promise<number> {
    const { segments: mirrored, disproofs } = await this.list();
    const broken = new Set<string>();
    const local = await localSegments(chainsFolder);
    const here = new Set(local.map(keyOf));
    const firstHere = new Map(local.toReversed().map(({ chain, number }) => [chain, number]));
    const missing = mirrored.filter((each) => !here.has(keyOf(each)) && each.number > (firstHere.get(each.chain) ?? 0));
    this.lacking.clear();
    for (const { chain } of missing) this.lacking.add(chain);
    let pulled = 0;
    for (const [index, segment] of missing.entries()) {
      const { chain, number } = segment;
      if (broken.has(chain)) continue;
      const target = path.join(chainsFolder, chain, sealedName(number));
      try {
        requireOneWriter(segment, mirrored);
        await this.withScratch((folder) => this.fetch(segment, folder, target));
        pulled++;
        if (missing[index + 1]?.chain !== chain) this.lacking.delete(chain);
      } catch (error) {
        if (onDamage === undefined || !isDamage(error)) throw error;
        onDamage(error);
        broken.add(chain);
      }
    }
    await this.pullDisproofs(disproofs, chainsFolder, onDamage);
    return pulled;
  }

  /** Only of chains that are here: a chain without segments misleads nobody. */
  private async pullDisproofs(disproofs: readonly Mirrored[], chainsFolder: string, onDamage?: OnDamage) {
    for (const disproof of disproofs) {
      const target = disproofFile(path.join(chainsFolder, disproof.chain));
      if (existsSync(target) || !existsSync(path.dirname(target))) continue;
      try {
        await this.withScratch((folder) => this.fetch(disproof, folder, target));
      } catch (error) {
        if (onDamage === undefined || !isDamage(error)) throw error;
        onDamage(error);
      }
    }
  }

  /** Removes segments of this machine, or whole chains, from the store too. @param paths as `decidePruneDeltas` names them */
  async remove(paths: readonly string[]): Promise<void> {
    const { store, signal } = this.options;
    const gone = paths.map((each) =>
      sealedPattern.test(path.basename(each))
        ? `${path.basename(path.dirname(each))}/${path.basename(each, '.delta')}-`
        : `${path.basename(each)}/`,
    );
    const { segments, disproofs } = await this.list();
    for (const { object } of [...segments, ...disproofs]) {
      const name = object.slice(this.prefix.length);
      if (gone.some((prefix) => name.startsWith(prefix))) await store.remove(object, signal);
    }
  }

  private get prefix(): string {
    return `${this.options.lab}/deltas/`;
  }

  /** @param name of the object, without that it is encrypted */
  private async store(file: string, name: string): Promise<void> {
    const { store, recipient, signal } = this.options;
    await this.withScratch(async (folder) => {
      const encoded = path.join(folder, 'segment');
      await encodeSnapshot(file, encoded, recipient, signal);
      const suffix = recipient === undefined ? '' : '.age';
      await store.put(`${this.prefix}${name}${suffix}`, await contentOfFile(encoded), { signal });
    });
  }

  private async fetch({ object, sha256, isEncrypted }: Mirrored, folder: string, target: string): Promise<void> {
    const { store, identity, signal } = this.options;
    if (isEncrypted && identity === undefined) {
      throw new LabError('LAB_BACKUP', `${object} is encrypted, and nobody says where the secret key is`, {
        advice: 'name its file: --identity-file, or backups.identityFile in lab.yaml',
      });
    }
    const encoded = path.join(folder, isEncrypted ? 'segment.zst.age' : 'segment.zst');
    await store.get(object, encoded, { signal });
    const plain = path.join(folder, 'segment.delta');
    await decodeSnapshot(encoded, plain, { identity: isEncrypted ? identity : undefined, sha256 }, signal);
    await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
    await renameDurably(plain, target);
  }

  /** In the order of their chains and numbers. */
  private async list(): Promise<{ segments: MirroredSegment[]; disproofs: Mirrored[] }> {
    const { store, signal } = this.options;
    const objects = (await store.list(this.prefix, signal)).map(({ name }) => name);
    const segments = objects.flatMap((object): MirroredSegment[] => {
      const [, chain, number, sha256, age] = segmentPattern.exec(object.slice(this.prefix.length)) ?? [];
      if (chain === undefined || sha256 === undefined || !chainPattern.test(chain)) return [];
      return [{ object, chain, number: Number(number), sha256, isEncrypted: age !== undefined }];
    });
    const disproofs = objects.flatMap((object): Mirrored[] => {
      const [, chain, sha256, age] = disproofPattern.exec(object.slice(this.prefix.length)) ?? [];
      if (chain === undefined || sha256 === undefined || !chainPattern.test(chain)) return [];
      return [{ object, chain, sha256, isEncrypted: age !== undefined }];
    });
    return { segments, disproofs };
  }

  private async withScratch(work: (folder: string) => Promise<void>): Promise<void> {
    const { scratch } = this.options;
    await mkdir(scratch, { recursive: true, mode: 0o700 });
    const folder = await mkdtemp(path.join(scratch, 'segment-'));
    try {
      await work(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

function keyOf({ chain, number }: Pick<MirroredSegment, 'chain' | 'number'>): string {
  return `${chain}/${number}`;
}

function requireOneWriter(segment: MirroredSegment, all: readonly MirroredSegment[]): void {
  const same = all.filter((each) => keyOf(each) === keyOf(segment));
  if (same.length > 1)
    throw twoWriters(
      segment,
      same.map(({ object }) => object),
    );
}

function twoWriters({ chain, number }: Pick<MirroredSegment, 'chain' | 'number'>, details: string[]): LabError {
  return new LabError('LAB_DELTA_FORK', `two writers went on with chain ${chain}: segment ${number} is there twice`, {
    details,
    advice: 'remove the one of the writer that is not to count, with all that follow it',
  });
}

/** Whether an error is about the segment, and not about the store or this machine. */
function isDamage(error: unknown): error is LabError {
  return error instanceof LabError && ['LAB_DELTA_FORK', 'LAB_BACKUP', 'LAB_STORE_OBJECT'].includes(error.code);
}

async function localSegments(folder: string): Promise<LocalSegment[]> {
  const chains = (await readdir(folder).catch(() => [])).filter((name) => chainPattern.test(name)).sort();
  const segments = await Promise.all(
    chains.map(async (chain) => {
      const names = (await readdir(path.join(folder, chain))).filter((name) => sealedPattern.test(name)).sort();
      return names.map((name) => ({ chain, number: Number(name.slice(0, 8)), file: path.join(folder, chain, name) }));
    }),
  );
  return segments.flat();
}
