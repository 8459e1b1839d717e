/** The engine in lab.yaml: which server the members run, and where its executables come from. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { projectRoot } from './project.ts';

/** Holds executables that were unpacked or fetched, each in a folder of its own; whatever is lost is made again. */
const cacheFolder = join(projectRoot, 'node_modules/.cache/etcdlab/engines');

const wantedFolder = 'must name the folder of etcd, etcdctl and etcdutl';

const upstream = z
  .strictObject({
    kind: z.literal('upstream'),
    /** The folder of etcd, etcdctl and etcdutl on this machine. */
    path: z.string(wantedFolder).min(1, 'must name a folder').optional(),
    /** An archive of a release on this machine, as upstream publishes it; with `sha256`. */
    archive: z.string().min(1, 'must name a file').optional(),
    sha256: z
      .string()
      .regex(/^[0-9a-fA-F]{64}$/, 'must be a SHA-256: 64 hexadecimal digits')
      .transform((text) => text.toLowerCase())
      .optional(),
    /** The folder on the first machine where its package manager has put them; all members run what is there. */
    installed: z
      .string()
      .regex(/^\/[A-Za-z0-9/._-]*$/, 'must be an absolute path on the machine')
      .optional(),
  })
  .superRefine(({ path, archive, sha256, installed }, context) => {
    const refuse = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message });
    const given = [path, archive, installed].filter((source) => source !== undefined).length;
    if (given === 0) refuse('path', wantedFolder);
    if (given > 1) refuse('path', 'is one of several sources: name one of path, archive and installed');
    if (archive !== undefined && sha256 === undefined) refuse('sha256', 'must be there: the checksum of the archive');
    if (archive === undefined && sha256 !== undefined) refuse('sha256', 'has no meaning without archive');
  })
  .transform(({ kind, path, archive, sha256, installed }): DescribedEngine & { kind: 'upstream' } => {
    if (archive !== undefined && sha256 !== undefined) {
      return { kind, path: join(cacheFolder, sha256.slice(0, 16)), archive: { file: archive, sha256 } };
    }
    if (path !== undefined) return { kind, path };
    return { kind, path: '', installed: installed ?? '' };
  });

/** `engine: built-in` is short for `engine: { kind: built-in }`. */
export const engineSchema = z.preprocess(
  (value) => (typeof value === 'string' ? { kind: value } : value),
  z.discriminatedUnion('kind', [z.strictObject({ kind: z.literal('built-in') }), upstream]),
);

/** What a lab runs on: all that is left when the executables are there. */
export type EngineConfig =
  | { readonly kind: 'built-in' }
  /** `path`: the folder of the executables on this machine. */
  | { readonly kind: 'upstream'; readonly path: string };

/** An archive with the SHA-256 that it must have. */
export interface EngineArchive {
  readonly file: string;
  readonly sha256: string;
}

/** What lab.yaml says; `path` is where an archive is unpacked, or what a machine has is fetched to. */
export type DescribedEngine =
  | { readonly kind: 'built-in' }
  | {
      readonly kind: 'upstream';
      readonly path: string;
      readonly archive?: EngineArchive | undefined;
      readonly installed?: string | undefined;
    };

/**
 * @param absolute of a path in lab.yaml
 * @returns the engine with absolute paths; the folder is found, or is going to be, in `path`
 */
export function locatedEngine(
  engine: DescribedEngine,
  nodes: readonly { readonly address: string }[],
  absolute: (path: string) => string,
): DescribedEngine {
  if (engine.kind === 'built-in') return engine;
  const { archive, installed } = engine;
  if (archive !== undefined) return { ...engine, archive: { ...archive, file: absolute(archive.file) } };
  if (installed === undefined) return { ...engine, path: absolute(engine.path) };
  const place = createHash('sha256').update(`${nodes[0]?.address} ${installed}`).digest('hex').slice(0, 16);
  return { ...engine, path: join(cacheFolder, `from-${place}`) };
}

/** @returns what the lab remembers: where its executables are, and no more where they came from */
export function engineOfLab(engine: DescribedEngine): EngineConfig {
  return engine.kind === 'built-in' ? engine : { kind: engine.kind, path: engine.path };
}
