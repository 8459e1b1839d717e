/**
 * Sealed segments in a store elsewhere, beside the backups that they go with:
 *
 *     LAB/deltas/CHAIN/NUMBER-SHA256.delta.zst[.age]   compressed, encrypted as backups are; the digest is the segment's
 *
 * Two writers that have gone on with the same chain show as two objects of one number.
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { LabError } from '../../../toolkit/errors.ts';
import { renameDurably } from '../../../toolkit/hosts/atomic-file.ts';
import { sha256OfFile } from '../../recovery/file-digest.ts';
import { contentOfFile, type ObjectStore } from '../stores/mod.ts';
import { decodeSnapshot, encodeSnapshot } from '../transport.ts';
import { chainPattern, type OnDamage, sealedName, sealedPattern } from './chain.ts';

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

interface MirroredSegment {
  readonly object: string;
  readonly chain: string;
  readonly number: number;
  readonly sha256: string;
  readonly isEncrypted: boolean;
}

const objectPattern = /^(.+)\/(\d{8})-([0-9a-f]{64})\.delta\.zst(\.age)?$/;

export class SegmentMirror {
  private readonly options: SegmentMirrorOptions;

  constructor(options: SegmentMirrorOptions) {
    this.options = options;
  }

  /**
   * Stores the sealed segments that the store lacks.
   *
   * @param chainsFolder that of all chains, on this machine
   * @returns how many
   * @throws LabError as `ObjectStore`
   */
  async push(chainsFolder: string): Promise<number> {
    const { store, lab, recipient, signal } = this.options;
    const there = new Set((await this.list()).map(({ chain, number }) => `${chain}/${number}`));
    let pushed = 0;
    for (const { chain, number, file } of await localSegments(chainsFolder)) {
      if (there.has(`${chain}/${number}`)) continue;
      await this.withScratch(async (folder) => {
        const encoded = path.join(folder, 'segment');
        await encodeSnapshot(file, encoded, recipient, signal);
        const name = `${path.basename(file, '.delta')}-${await sha256OfFile(file)}.delta.zst`;
        const suffix = recipient === undefined ? '' : '.age';
        await store.put(`${lab}/deltas/${chain}/${name}${suffix}`, await contentOfFile(encoded), { signal });
      });
      pushed++;
    }
    return pushed;
  }

  /**
   * Fetches the segments that this machine lacks, each with the bytes that it was sealed with.
   *
   * @param onDamage takes what is wrong with a segment; what is before it in its chain is fetched all the same
   * @returns how many
   * @throws LabError LAB_DELTA_FORK when two writers have gone on with one chain, LAB_BACKUP, LAB_STORE_OBJECT, unless
   *   `onDamage` takes it; as `ObjectStore`
   */
  async pull(chainsFolder: string, onDamage?: OnDamage): Promise<number> {
    const mirrored = await this.list();
    const broken = new Set<string>();
    const here = new Set((await localSegments(chainsFolder)).map(({ chain, number }) => `${chain}/${number}`));
    let pulled = 0;
    for (const segment of mirrored) {
      const { chain, number } = segment;
      if (here.has(`${chain}/${number}`) || broken.has(chain)) continue;
      const target = path.join(chainsFolder, chain, sealedName(number));
      try {
        requireOneWriter(segment, mirrored);
        await this.withScratch((folder) => this.fetch(segment, folder, target));
        pulled++;
      } catch (error) {
        if (onDamage === undefined || !isDamage(error)) throw error;
        onDamage(error);
        broken.add(chain);
      }
    }
    return pulled;
  }

  /** Removes segments of this machine, or whole chains, from the store too. @param paths as `decidePruneDeltas` names them */
  async remove(paths: readonly string[]): Promise<void> {
    const { store, signal } = this.options;
    const gone = paths.map((each) =>
      sealedPattern.test(path.basename(each))
        ? `${path.basename(path.dirname(each))}/${path.basename(each, '.delta')}-`
        : `${path.basename(each)}/`,
    );
    for (const { object, chain, number } of await this.list()) {
      const name = `${chain}/${sealedName(number).slice(0, 8)}-`;
      if (gone.some((prefix) => name.startsWith(prefix))) await store.remove(object, signal);
    }
  }

  private async fetch(segment: MirroredSegment, folder: string, target: string): Promise<void> {
    const { store, identity, signal } = this.options;
    const { object, sha256, isEncrypted } = segment;
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
  private async list(): Promise<MirroredSegment[]> {
    const { store, lab, signal } = this.options;
    const prefix = `${lab}/deltas/`;
    return (await store.list(prefix, signal)).flatMap(({ name: object }): MirroredSegment[] => {
      const [, chain, number, sha256, age] = objectPattern.exec(object.slice(prefix.length)) ?? [];
      if (chain === undefined || sha256 === undefined || !chainPattern.test(chain)) return [];
      return [{ object, chain, number: Number(number), sha256, isEncrypted: age !== undefined }];
    });
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

function requireOneWriter({ chain, number }: MirroredSegment, all: readonly MirroredSegment[]): void {
  const same = all.filter((each) => each.chain === chain && each.number === number);
  if (same.length === 1) return;
  throw new LabError('LAB_DELTA_FORK', `two writers went on with chain ${chain}: segment ${number} is there twice`, {
    details: same.map(({ object }) => object),
    advice: 'remove the one of the writer that is not to count, with all that follow it',
  });
}

/** Whether an error is about the segment, and not about the store or this machine. */
function isDamage(error: unknown): error is LabError {
  return error instanceof LabError && ['LAB_DELTA_FORK', 'LAB_BACKUP', 'LAB_STORE_OBJECT'].includes(error.code);
}

async function localSegments(folder: string): Promise<{ chain: string; number: number; file: string }[]> {
  const chains = (await readdir(folder).catch(() => [])).filter((name) => chainPattern.test(name)).sort();
  const segments = await Promise.all(
    chains.map(async (chain) => {
      const names = (await readdir(path.join(folder, chain))).filter((name) => sealedPattern.test(name)).sort();
      return names.map((name) => ({ chain, number: Number(name.slice(0, 8)), file: path.join(folder, chain, name) }));
    }),
  );
  return segments.flat();
}
