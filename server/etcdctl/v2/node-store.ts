/**
 * The tree of nodes that the v2 API had, on the flat keys of v3: the file `/a/b` is the key `/a/b`, the directory `/a` is
 * the key `/a/`, which exists although nothing may be in it. What v2 calls an index is the revision.
 */
import { type EtcdClient, RpcError } from '../../client/calls.ts';
import type { KeyValue } from '../../proto/gen/kv.ts';
import {
  Compare,
  Compare_CompareTarget,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  type RequestOp,
} from '../../proto/gen/rpc.ts';
import { V2Error } from './v2-error.ts';

export interface V2Node {
  readonly key: string;
  readonly isDirectory: boolean;
  readonly value: string;
  readonly createdIndex: number;
  readonly modifiedIndex: number;
  /** Seconds; 0 for a node that stays. */
  readonly ttl: number;
}

/** What a change came to. `before` is the node that it replaced or removed. */
export interface V2Change {
  readonly action: string;
  readonly node: V2Node;
  readonly before: V2Node | undefined;
  readonly index: number;
}

export interface WriteOptions {
  /** Seconds; 0 for none. */
  readonly ttl: number;
  readonly mustExist?: boolean;
  readonly mustNotExist?: boolean;
  readonly isDirectory?: boolean;
  /** Only if the value, or the index of the last change, is this. */
  readonly ifValue?: string | undefined;
  readonly ifIndex?: number | undefined;
}

/** What there is at a path. */
interface Found {
  readonly file: KeyValue | undefined;
  readonly marker: KeyValue | undefined;
  readonly hasChildren: boolean;
  readonly index: number;
}

/** How often a change is begun anew because another one came first. */
const maxAttempts = 10;

const bytes = (text: string): Buffer => Buffer.from(text);
const textOf = (value: Uint8Array): string => Buffer.from(value).toString();

/** `a//b/` is `/a/b`; the root is empty. */
export function normalizedPath(path: string): string {
  return path
    .split('/')
    .filter(Boolean)
    .reduce((joined, part) => `${joined}/${part}`, '');
}

/** What the tree takes of a client. */
export type NodeClient = Pick<EtcdClient, 'range' | 'txn' | 'leaseGrant' | 'leaseRevoke' | 'leaseTimeToLive'>;

export class NodeStore {
  private readonly client: NodeClient;

  constructor(client: NodeClient) {
    this.client = client;
  }

  /** @throws V2Error when there is no such node */
  async get(path: string): Promise<{ node: V2Node; index: number }> {
    const found = await this.find(path);
    const node = await this.nodeOf(path, found);
    if (node === undefined) throw new V2Error(100, path, found.index);
    return { node, index: found.index };
  }

  /**
   * The nodes right below a directory, or all below it; a file is its own list. Names that begin with `_` are hidden.
   *
   * @throws V2Error when there is no such node
   */
  async list(path: string, recursive: boolean): Promise<V2Node[]> {
    const { node } = await this.get(path);
    if (!node.isDirectory) return [node];
    const { kvs } = await this.client.range({ key: bytes(`${path}/`), range_end: bytes(`${path}0`) });
    const nodes = new Map<string, V2Node>();
    for (const kv of kvs) {
      const parts = textOf(kv.key)
        .slice(path.length + 1)
        .split('/');
      const isMarker = parts.at(-1) === '';
      const names = isMarker ? parts.slice(0, -1) : parts;
      const hiddenFrom = names.findIndex((name) => name.startsWith('_'));
      const shown = names.slice(0, hiddenFrom < 0 ? names.length : hiddenFrom).slice(0, recursive ? undefined : 1);
      for (let depth = 1; depth <= shown.length; depth++) {
        const key = [path, ...names.slice(0, depth)].join('/');
        const isDirectory = depth < names.length || isMarker;
        if (!nodes.has(key)) nodes.set(key, plainNode(key, isDirectory, kv));
      }
    }
    return [...nodes.values()];
  }

  /** Writes a file or makes a directory. @throws V2Error when the options do not hold */
  async write(path: string, value: string, options: WriteOptions, action = 'set'): Promise<V2Change> {
    if (path === '') throw new V2Error(107, '/', 0);
    let lease = 0n;
    // Granted when nothing speaks against the write any more, and once for all attempts.
    const leaseForIt = async (): Promise<bigint> => {
      if (lease === 0n && options.ttl > 0) lease = (await this.client.leaseGrant({ TTL: options.ttl })).ID;
      return lease;
    };
    try {
      return await this.writeWith(leaseForIt, path, value, options, action);
    } catch (error) {
      // A call that failed may have been done, and then the node has the lease.
      if (lease !== 0n && !(error instanceof RpcError)) {
        await this.client.leaseRevoke({ ID: lease }).catch(() => undefined);
      }
      throw error;
    }
  }

  private async writeWith(
    leaseForIt: () => Promise<bigint>,
    path: string,
    value: string,
    options: WriteOptions,
    action: string,
  ): Promise<V2Change> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const found = await this.find(path);
      check(path, found, options);
      const parents = await this.missingParents(path);
      const key = bytes(options.isDirectory ? `${path}/` : path);
      const lease = await leaseForIt();
      const put: RequestOp = { request_put: PutRequest.create({ key, value: bytes(value), lease }) };
      const index = await this.commit(path, found, [...parents, put]);
      if (index === undefined) continue;
      const before = await this.nodeOf(path, found);
      const createdIndex = action === 'update' ? (before?.createdIndex ?? index) : index;
      const isDirectory = options.isDirectory ?? false;
      const node = { key: path, isDirectory, value, createdIndex, modifiedIndex: index, ttl: options.ttl };
      return { action, node, before, index };
    }
    throw new Error(`${path} is being changed by others all the time; try again`);
  }

  /** A file below `path` whose name grows from one to the next. */
  async writeInOrder(path: string, value: string, ttl: number): Promise<V2Change> {
    for (let attempt = 1; ; attempt++) {
      const { header } = await this.client.range({ key: bytes(`${path}/`), count_only: true });
      const name = String((header?.revision ?? 0) + 1).padStart(20, '0');
      try {
        return await this.write(`${path}/${name}`, value, { ttl, mustNotExist: true }, 'create');
      } catch (error) {
        // Another one has taken the name meanwhile; the revision is a later one now.
        if (!(error instanceof V2Error && error.code === 105) || attempt === maxAttempts) throw error;
      }
    }
  }

  /**
   * @param what `file`; `empty-directory`, which takes files, too; or `tree`
   * @throws V2Error when it is something else, or not as it must be
   */
  async remove(
    path: string,
    what: 'file' | 'empty-directory' | 'tree',
    condition: Pick<WriteOptions, 'ifValue' | 'ifIndex'> = {},
  ): Promise<V2Change> {
    if (path === '') throw new V2Error(107, '/', 0);
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const found = await this.find(path);
      const before = await this.nodeOf(path, found);
      if (before === undefined) throw new V2Error(100, path, found.index);
      if (before.isDirectory && what === 'file') throw new V2Error(102, path, found.index);
      if (found.hasChildren && what !== 'tree') throw new V2Error(108, path, found.index);
      if (!before.isDirectory) checkCondition(found, condition);
      const key = bytes(path);
      const below = { key: bytes(`${path}/`), range_end: bytes(`${path}0`) };
      const deletions = [
        { request_delete_range: DeleteRangeRequest.create({ key }) },
        { request_delete_range: DeleteRangeRequest.create(below) },
      ];
      const index = await this.commit(path, found, deletions, what === 'tree' ? [] : [nothingBelow(path)]);
      if (index === undefined) continue;
      const node = { ...before, value: '', modifiedIndex: index, ttl: 0 };
      const isCompared = condition.ifValue !== undefined || condition.ifIndex !== undefined;
      return { action: isCompared ? 'compareAndDelete' : 'delete', node, before, index };
    }
    throw new Error(`${path} is being changed by others all the time; try again`);
  }

  private async find(path: string): Promise<Found> {
    const range = (request: Partial<RangeRequest>): RequestOp => ({ request_range: RangeRequest.create(request) });
    const { responses, header } = await this.client.txn({
      success: [
        range({ key: bytes(path === '' ? '/' : path) }),
        range({ key: bytes(`${path}/`) }),
        range({ ...insideOf(path), limit: 1, keys_only: true }),
      ],
    });
    const [file, marker, child] = responses.map(({ response_range }) => response_range?.kvs[0]);
    const index = header?.revision ?? 0;
    return { file: path === '' ? undefined : file, marker, hasChildren: child !== undefined, index };
  }

  private async nodeOf(path: string, { file, marker, hasChildren }: Found): Promise<V2Node | undefined> {
    const kv = file ?? marker;
    if (kv !== undefined) return { ...plainNode(path, file === undefined, kv), ttl: await this.ttlOf(kv) };
    const isDirectory = hasChildren || path === '';
    return isDirectory
      ? { key: path || '/', isDirectory, value: '', createdIndex: 0, modifiedIndex: 0, ttl: 0 }
      : undefined;
  }

  private async ttlOf({ lease }: KeyValue): Promise<number> {
    // Rounded up, as v2 does.
    return lease === 0n ? 0 : Math.max((await this.client.leaseTimeToLive({ ID: lease })).TTL + 1, 1);
  }

  /** What makes the directories above a path. @throws V2Error when one of them is a file */
  private async missingParents(path: string): Promise<RequestOp[]> {
    const ops: RequestOp[] = [];
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const parent = path.slice(0, end);
      const found = await this.find(parent);
      if (found.file !== undefined) throw new V2Error(104, parent, found.index);
      if (found.marker === undefined) ops.push({ request_put: PutRequest.create({ key: bytes(`${parent}/`) }) });
    }
    return ops;
  }

  /**
   * Does the operations if the node has not changed since it was found, and what else is compared holds.
   *
   * @returns the new index, or undefined if nothing was done
   */
  private async commit(
    path: string,
    { file, marker }: Found,
    success: RequestOp[],
    more: readonly Compare[] = [],
  ): Promise<number | undefined> {
    const unchanged = (key: string, kv: KeyValue | undefined): Compare =>
      Compare.create({ key: bytes(key), target: Compare_CompareTarget.MOD, mod_revision: kv?.mod_revision ?? 0 });
    const compare = [unchanged(path, file), unchanged(`${path}/`, marker), ...more];
    const { succeeded, header } = await this.client.txn({ compare, success });
    return succeeded ? (header?.revision ?? 0) : undefined;
  }
}

/** All that is in a directory, without its own key. */
function insideOf(path: string): { key: Buffer; range_end: Buffer } {
  return { key: bytes(`${path}/\0`), range_end: bytes(`${path}0`) };
}

/** Holds only for a range without keys: every key that there is was created at some revision. */
function nothingBelow(path: string): Compare {
  return Compare.create({ ...insideOf(path), target: Compare_CompareTarget.CREATE, create_revision: 0 });
}

function check(path: string, found: Found, options: WriteOptions): void {
  const isDirectory = found.file === undefined && (found.marker !== undefined || found.hasChildren);
  const exists = isDirectory || found.file !== undefined;
  const isCompared = options.ifValue !== undefined || options.ifIndex !== undefined;
  if (exists && options.mustNotExist) throw new V2Error(105, path, found.index);
  if (!exists && (options.mustExist || isCompared)) throw new V2Error(100, path, found.index);
  const mayBeDirectory = options.isDirectory === true && options.mustExist === true;
  if (isDirectory && !mayBeDirectory) throw new V2Error(102, path, found.index);
  if (found.file !== undefined && options.isDirectory) throw new V2Error(104, path, found.index);
  checkCondition(found, options);
}

function checkCondition({ file, index }: Found, { ifValue, ifIndex }: Pick<WriteOptions, 'ifValue' | 'ifIndex'>): void {
  if (file === undefined) return;
  const value = textOf(file.value);
  if (ifValue !== undefined && ifValue !== value) throw new V2Error(101, `[${ifValue} != ${value}]`, index);
  if (ifIndex !== undefined && ifIndex !== file.mod_revision) {
    throw new V2Error(101, `[${ifIndex} != ${file.mod_revision}]`, index);
  }
}

function plainNode(key: string, isDirectory: boolean, kv: KeyValue): V2Node {
  const value = isDirectory ? '' : textOf(kv.value);
  const createdIndex = kv.create_revision;
  return { key, isDirectory, value, createdIndex, modifiedIndex: kv.mod_revision, ttl: 0 };
}
