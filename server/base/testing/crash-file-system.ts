/**
 * A file system in memory that can lose power, for tests of durable storage.
 *
 * It keeps apart what a program has written and what has reached the disk. `datasync` makes a file's bytes and size
 * durable, `syncDirectory` the names in a directory; nothing else does. When the power fails, each sector of a write
 * that was not synced is there or not there (a torn write), each truncation and each later size likewise, and of each
 * directory's changes of names only the first so many have happened, as with a journalling file system. All choices
 * come from one seed, so a failing case can be run again.
 *
 * The model is strict on purpose: syncing a file does not make its name durable, and renaming does not make it synced.
 */
import path from 'node:path';
import type { FileSystem, OpenMode, StorageFile } from '../file-system.ts';
import { DirectoryNode, FileNode, randomFrom, surviving } from './crash-disk.ts';

export type StepOperation =
  | 'create'
  | 'write'
  | 'datasync'
  | 'truncate'
  | 'rename'
  | 'remove'
  | 'make-directory'
  | 'remove-directory'
  | 'sync-directory';

/** One change asked of the file system; steps are numbered from 1. */
export interface Step {
  readonly number: number;
  readonly operation: StepOperation;
  readonly path: string;
}

export interface CrashOptions {
  /** Decides what of the unsynced is there after a crash. */
  seed?: number;
  /** The power fails during this step: it may have happened, in part or not at all. */
  crashAtStep?: number;
  /** Sees every step before it happens; what it throws, the step fails with, and has no effect. */
  onStep?: (step: Step) => void;
}

/** What every call ends with from the crash on. */
export class PowerLossError extends Error {
  override readonly name = 'PowerLossError';
}

type Node = FileNode | DirectoryNode;

/** A change of names that may not have reached the disk, and the directories it touches. */
interface PendingName {
  readonly directories: readonly DirectoryNode[];
  applyToDurable(): void;
}

function fail(code: string, operation: string, where: string): never {
  throw Object.assign(new Error(`${code}: ${operation} '${where}'`), { code, path: where });
}

export class CrashFileSystem implements FileSystem {
  /** The steps in which the power has failed so far, in this process; see `crash-count.ts`. */
  static readonly failed: Step[] = [];
  /** Every step so far, in order. */
  readonly steps: Step[] = [];
  private root = new DirectoryNode();
  private pendingNames: PendingName[] = [];
  private readonly options: CrashOptions;
  private off = false;

  constructor(options: CrashOptions = {}) {
    this.options = options;
  }

  /** @returns how many steps of this kind there were, of those whose path ends with `suffix` */
  count(operation: StepOperation, suffix = ''): number {
    return this.steps.filter((step) => step.operation === operation && step.path.endsWith(suffix)).length;
  }

  /** Cuts the power now. What survives is in `reboot`'s file system. */
  crash(): void {
    this.off = true;
  }

  /** Cuts the power if it is still on, and returns what is on the disk, as a file system with everything in it synced. */
  reboot(options: CrashOptions = {}): CrashFileSystem {
    this.crash();
    const random = randomFrom(this.options.seed ?? 0);
    const stopped = new Set<DirectoryNode>();
    for (const change of this.pendingNames) {
      const lost = change.directories.some((directory) => stopped.has(directory)) || random() < 0.4;
      if (lost) for (const directory of change.directories) stopped.add(directory);
      else change.applyToDurable();
    }
    const next = new CrashFileSystem(options);
    next.root = surviving(this.root, random);
    return next;
  }

  /** @returns a copy of the file's bytes as the program sees them */
  contents(where: string): Uint8Array {
    return this.file(where, 'open').current.bytes();
  }

  /** Puts a file there, synced, without a step: for what a test starts from. Makes the directories it needs. */
  seedFile(where: string, bytes: Uint8Array): void {
    let directory = this.root;
    for (const name of parts(path.dirname(where))) {
      let next = directory.current.get(name);
      if (!(next instanceof DirectoryNode)) {
        next = new DirectoryNode();
        directory.current.set(name, next);
        directory.durable.set(name, next);
      }
      directory = next;
    }
    const file = new FileNode();
    file.change({ kind: 'write', position: 0, bytes: bytes.slice() });
    file.sync();
    directory.current.set(path.basename(where), file);
    directory.durable.set(path.basename(where), file);
  }

  async open(where: string, how: OpenMode, _mode?: number): Promise<StorageFile> {
    this.checkPower();
    const { directory, name } = this.parent(where);
    let node = directory.current.get(name);
    if (node instanceof DirectoryNode) fail('EISDIR', 'open', where);
    if (node !== undefined && how === 'create-new') fail('EEXIST', 'open', where);
    if (how === 'create' || how === 'create-new') {
      this.step('create', where, () => {
        if (node instanceof FileNode) {
          node.change({ kind: 'truncate', size: 0 });
          return;
        }
        node = new FileNode();
        this.setName(directory, name, node);
      });
    }
    if (!(node instanceof FileNode)) fail('ENOENT', 'open', where);
    return this.handle(node, where, how !== 'read');
  }

  async list(where: string): Promise<string[]> {
    this.checkPower();
    return [...this.directory(where, 'list').current.keys()].sort();
  }

  async exists(where: string): Promise<boolean> {
    this.checkPower();
    return this.find(where) !== undefined;
  }

  async rename(from: string, to: string): Promise<void> {
    this.checkPower();
    const source = this.parent(from);
    const target = this.parent(to);
    const node = source.directory.current.get(source.name) ?? fail('ENOENT', 'rename', from);
    const replaced = target.directory.current.get(target.name);
    if (replaced instanceof DirectoryNode && replaced.current.size > 0) fail('ENOTEMPTY', 'rename', to);
    this.step('rename', to, () => {
      source.directory.current.delete(source.name);
      target.directory.current.set(target.name, node);
      this.pendingNames.push({
        directories: [source.directory, target.directory],
        applyToDurable() {
          source.directory.durable.delete(source.name);
          target.directory.durable.set(target.name, node);
        },
      });
    });
  }

  async remove(where: string): Promise<void> {
    this.checkPower();
    this.file(where, 'remove');
    const { directory, name } = this.parent(where);
    this.step('remove', where, () => this.deleteName(directory, name));
  }

  async makeDirectory(where: string): Promise<void> {
    this.checkPower();
    let directory = this.root;
    for (const name of parts(where)) {
      const next = directory.current.get(name);
      if (next instanceof FileNode) fail('ENOTDIR', 'mkdir', where);
      if (next !== undefined) directory = next;
      else {
        const parent = directory;
        const made = new DirectoryNode();
        this.step('make-directory', where, () => this.setName(parent, name, made));
        directory = made;
      }
    }
  }

  async removeDirectory(where: string): Promise<void> {
    this.checkPower();
    if (this.find(where) === undefined) return;
    const { directory, name } = this.parent(where);
    this.step('remove-directory', where, () => this.deleteName(directory, name));
  }

  async syncDirectory(where: string): Promise<void> {
    this.checkPower();
    const directory = this.directory(where, 'fsync');
    this.step(
      'sync-directory',
      where,
      () => {
        for (const change of this.pendingNames) if (change.directories.includes(directory)) change.applyToDurable();
        this.pendingNames = this.pendingNames.filter((change) => !change.directories.includes(directory));
      },
      () => undefined,
    );
  }

  private handle(node: FileNode, where: string, writable: boolean): StorageFile {
    let open = true;
    const check = (operation: string, writes: boolean) => {
      this.checkPower();
      if (!open || (writes && !writable)) fail('EBADF', operation, where);
    };
    const readSync = (target: Uint8Array, position: number) => {
      check('read', false);
      return node.current.read(target, position);
    };
    const writeSync = (bytes: Uint8Array, position: number) => {
      check('write', true);
      this.step('write', where, () => node.change({ kind: 'write', position, bytes: new Uint8Array(bytes) }));
    };
    const datasyncSync = () => {
      check('datasync', false);
      // When the power fails during a sync, the disk is somewhere between before and after.
      this.step(
        'datasync',
        where,
        () => node.sync(),
        () => undefined,
      );
    };
    return {
      readSync,
      writeSync,
      datasyncSync,
      read: async (target, position) => readSync(target, position),
      write: async (chunks, position) => writeSync(Buffer.concat(chunks), position),
      truncate: async (size) => {
        check('truncate', true);
        this.step('truncate', where, () => node.change({ kind: 'truncate', size }));
      },
      datasync: async () => datasyncSync(),
      size: async () => {
        check('stat', false);
        return node.current.size;
      },
      close: async () => {
        open = false;
      },
    };
  }

  /** Counts the step and does it. In the step of the crash, does `inCrash` instead, and then the power is off. */
  private step(operation: StepOperation, where: string, effect: () => void, inCrash = effect): void {
    const step = { number: this.steps.length + 1, operation, path: where };
    this.options.onStep?.(step);
    this.steps.push(step);
    if (step.number !== this.options.crashAtStep) {
      effect();
      return;
    }
    inCrash();
    CrashFileSystem.failed.push(step);
    this.crash();
    this.checkPower();
  }

  private setName(directory: DirectoryNode, name: string, node: Node): void {
    directory.current.set(name, node);
    this.pendingNames.push({
      directories: [directory],
      applyToDurable: () => void directory.durable.set(name, node),
    });
  }

  private deleteName(directory: DirectoryNode, name: string): void {
    directory.current.delete(name);
    this.pendingNames.push({
      directories: [directory],
      applyToDurable: () => void directory.durable.delete(name),
    });
  }

  private checkPower(): void {
    if (this.off) throw new PowerLossError('the power is off');
  }

  private find(where: string): Node | undefined {
    let node: Node | undefined = this.root;
    for (const name of parts(where)) {
      if (!(node instanceof DirectoryNode)) return undefined;
      node = node.current.get(name);
    }
    return node;
  }

  private file(where: string, operation: string): FileNode {
    const node = this.find(where);
    return node instanceof FileNode ? node : fail(node ? 'EISDIR' : 'ENOENT', operation, where);
  }

  private directory(where: string, operation: string): DirectoryNode {
    const node = this.find(where);
    return node instanceof DirectoryNode ? node : fail(node ? 'ENOTDIR' : 'ENOENT', operation, where);
  }

  private parent(where: string): { directory: DirectoryNode; name: string } {
    return { directory: this.directory(path.dirname(where), 'open'), name: path.basename(where) };
  }
}

function parts(where: string): string[] {
  return where.split(/[/\\]/).filter((part) => part !== '' && part !== '.');
}
