/** The disk under `CrashFileSystem`: files and directories with their unsynced changes, and what a crash leaves of them. */

/** The smallest piece of a file that a disk writes whole. */
export const sectorBytes = 512;

type PendingChange = { kind: 'write'; position: number; bytes: Uint8Array } | { kind: 'truncate'; size: number };

/**
 * A file's bytes: a buffer that grows, and how much of it counts. What lies between the last written byte and `size`
 * reads as zeros and takes no memory, as in a sparse file: the log reserves 64 MB at once.
 */
class Content {
  size = 0;
  private writtenBytes = 0;
  private buffer = new Uint8Array(0);

  /** All of it, in a buffer of its own. */
  bytes(): Uint8Array {
    const all = new Uint8Array(this.size);
    all.set(this.written());
    return all;
  }

  /** A view of the part that zeros follow on. */
  written(): Uint8Array {
    return this.buffer.subarray(0, this.writtenBytes);
  }

  /** @returns how many bytes there are at `position`, at most the target's length */
  read(target: Uint8Array, position: number): number {
    const length = Math.max(0, Math.min(target.length, this.size - position));
    const found = this.written().subarray(position, position + length);
    target.set(found);
    target.fill(0, found.length, length);
    return length;
  }

  write(bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return;
    const end = position + bytes.length;
    if (end > this.buffer.length) {
      const grown = new Uint8Array(Math.max(end, this.buffer.length * 2));
      grown.set(this.written());
      this.buffer = grown;
    }
    this.buffer.set(bytes, position);
    this.writtenBytes = Math.max(this.writtenBytes, end);
    this.size = Math.max(this.size, end);
  }

  resize(size: number): void {
    if (size < this.writtenBytes) {
      this.buffer.fill(0, size, this.writtenBytes);
      this.writtenBytes = size;
    }
    this.size = size;
  }

  apply(change: PendingChange): void {
    if (change.kind === 'write') this.write(change.bytes, change.position);
    else this.resize(change.size);
  }
}

/** What the program sees of a file, what the disk has, and the changes between the two. */
export class FileNode {
  readonly current = new Content();
  readonly durable = new Content();
  pending: PendingChange[] = [];

  change(change: PendingChange): void {
    this.current.apply(change);
    this.pending.push(change);
  }

  sync(): void {
    for (const change of this.pending) this.durable.apply(change);
    this.pending = [];
  }
}

/** The names in a directory, as the program sees them and as the disk has them. */
export class DirectoryNode {
  readonly current = new Map<string, FileNode | DirectoryNode>();
  readonly durable = new Map<string, FileNode | DirectoryNode>();
}

/** Marsaglia's xorshift, 32 bits: small, and the same everywhere. */
export function randomFrom(seed: number): () => number {
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x85ebca6b) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Copies what of a directory is durable, deciding on the way what became of each unsynced write. */
export function surviving(directory: DirectoryNode, random: () => number): DirectoryNode {
  const copy = new DirectoryNode();
  for (const [name, node] of directory.durable) {
    const kept = node instanceof FileNode ? survivingFile(node, random) : surviving(node, random);
    copy.current.set(name, kept);
    copy.durable.set(name, kept);
  }
  return copy;
}

function survivingFile(file: FileNode, random: () => number): FileNode {
  const copy = new FileNode();
  const keep = { all: random() < 0.2, none: random() < 0.2 };
  const survives = () => keep.all || (!keep.none && random() < 0.5);
  copy.change({ kind: 'write', position: 0, bytes: file.durable.written().slice() });
  copy.change({ kind: 'truncate', size: file.durable.size });
  for (const change of file.pending) {
    if (change.kind === 'truncate') {
      if (survives()) copy.change(change);
      continue;
    }
    const { bytes, position } = change;
    // The new size may be on disk without the bytes that it covers: they read as zeros.
    if (position + bytes.length > copy.current.size && survives()) {
      copy.change({ kind: 'truncate', size: position + bytes.length });
    }
    for (let start = 0; start < bytes.length; ) {
      const end = Math.min(bytes.length, start + sectorBytes - ((position + start) % sectorBytes));
      if (survives()) copy.change({ kind: 'write', position: position + start, bytes: bytes.slice(start, end) });
      start = end;
    }
  }
  copy.sync();
  return copy;
}
