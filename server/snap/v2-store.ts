/**
 * The v2 store as JSON: what a .snap file's data must hold for upstream up to 3.7, which reads the cluster's members
 * from it (contract: disk-and-peer §3.2). Ids are hexadecimal keys, so no number here is larger than an index.
 */
import { goJson } from '../base/go-json.ts';
import { SnapError } from './snap-error.ts';

export interface V2Member {
  readonly id: bigint;
  readonly peerURLs: readonly string[];
  readonly isLearner?: boolean;
  /** Name and client URLs are known from when the member has started. */
  readonly name?: string;
  readonly clientURLs?: readonly string[];
}

export interface V2Membership {
  readonly members: readonly V2Member[];
  /** Ids that may never come back. */
  readonly removed: readonly bigint[];
  /** Such as `3.5.0`; unknown until the leader has decided. */
  readonly clusterVersion?: string;
  /** The v2 store's own count of changes. */
  readonly index: number;
}

type StoreNode = {
  Path: string;
  CreatedIndex: number;
  ModifiedIndex: number;
  ExpireTime: string;
  Value: string;
  Children: Record<string, StoreNode> | null;
};

/** Go's zero time: never. */
const neverExpires = '0001-01-01T00:00:00Z';

/**
 * Builds the store without its event history and its counters, which upstream does without.
 *
 * @returns JSON in UTF-8
 */
export function encodeV2Store({ members, removed, clusterVersion, index }: V2Membership): Uint8Array {
  const make = new NodeMaker(index);
  const cluster: Record<string, StoreNode> = {};
  if (members.length > 0) cluster.members = make.directory('/0/members', make.members(members));
  if (removed.length > 0) cluster.removed_members = make.directory('/0/removed_members', make.removed(removed));
  if (clusterVersion !== undefined) cluster.version = make.file('/0/version', clusterVersion);
  const root = make.directory('/', { '0': make.directory('/0', cluster), '1': make.directory('/1', {}) });
  return Buffer.from(goJson({ Root: root, CurrentIndex: index, CurrentVersion: 2 }));
}

/** Makes nodes that all claim to be of one change. */
class NodeMaker {
  private readonly index: number;

  constructor(index: number) {
    this.index = index;
  }

  file(path: string, value: string): StoreNode {
    return this.node(path, value, null);
  }

  directory(path: string, children: Record<string, StoreNode>): StoreNode {
    return this.node(path, '', children);
  }

  members(members: readonly V2Member[]): Record<string, StoreNode> {
    return Object.fromEntries(members.map((member) => [member.id.toString(16), this.member(member)]));
  }

  removed(ids: readonly bigint[]): Record<string, StoreNode> {
    const hexIds = ids.map((id) => id.toString(16));
    return Object.fromEntries(hexIds.map((id) => [id, this.file(`/0/removed_members/${id}`, 'removed')]));
  }

  private member({ id, peerURLs, isLearner, name, clientURLs }: V2Member): StoreNode {
    const path = `/0/members/${id.toString(16)}`;
    const attributes = { ...(name && { name }), ...(clientURLs?.length && { clientURLs }) };
    const raftAttributes = { peerURLs, ...(isLearner && { isLearner }) };
    const files: Record<string, StoreNode> = {};
    if (Object.keys(attributes).length > 0) {
      files.attributes = this.file(`${path}/attributes`, goJson(attributes));
    }
    files.raftAttributes = this.file(`${path}/raftAttributes`, goJson(raftAttributes));
    return this.directory(path, files);
  }

  private node(path: string, value: string, children: StoreNode['Children']): StoreNode {
    const { index } = this;
    return {
      Path: path,
      CreatedIndex: index,
      ModifiedIndex: index,
      ExpireTime: neverExpires,
      Value: value,
      Children: children,
    };
  }
}

/**
 * Reads the members out of a store, also of one that upstream wrote, with whatever else that holds.
 *
 * @throws SnapError SNAP_STORE_INVALID
 */
export function decodeV2Store(bytes: Uint8Array): V2Membership {
  const store = parseObject(Buffer.from(bytes).toString('utf8'), 'the snapshot');
  const cluster = children(child(children(store.Root, '/'), '0') ?? {}, '/0');
  const members = Object.entries(children(child(cluster, 'members') ?? {}, '/0/members')).map(([id, node]) =>
    decodeMember(id, children(node, `/0/members/${id}`)),
  );
  const removed = Object.keys(children(child(cluster, 'removed_members') ?? {}, '/0/removed_members')).map(memberId);
  const version = child(cluster, 'version');
  return {
    members: members.sort((a, b) => (a.id < b.id ? -1 : 1)),
    removed: removed.sort((a, b) => (a < b ? -1 : 1)),
    ...(version !== undefined && { clusterVersion: value(version, '/0/version') }),
    index: typeof store.CurrentIndex === 'number' ? store.CurrentIndex : 0,
  };
}

/**
 * Whether a store holds more than the cluster's members: below the root, only `/0` is the server's own.
 *
 * @throws SnapError SNAP_STORE_INVALID
 */
export function hasV2Keys(bytes: Uint8Array): boolean {
  const store = parseObject(Buffer.from(bytes).toString('utf8'), 'the snapshot');
  const entries = Object.entries(children(store.Root, '/'));
  return entries.some(([name, node]) => name !== '0' && Object.keys(children(node, `/${name}`)).length > 0);
}

type Json = Record<string, unknown>;

function decodeMember(hexId: string, node: Json): V2Member {
  const path = `/0/members/${hexId}`;
  const raftNode = child(node, 'raftAttributes');
  if (raftNode === undefined) throw invalid(`${path} has no raftAttributes`);
  const raft = parseObject(value(raftNode, path), `${path}/raftAttributes`);
  const attributesNode = child(node, 'attributes');
  const attributes = attributesNode === undefined ? {} : parseObject(value(attributesNode, path), `${path}/attributes`);
  const { name } = attributes;
  const clientURLs = urls(attributes.clientURLs, path);
  return {
    id: memberId(hexId),
    peerURLs: urls(raft.peerURLs, path),
    ...(raft.isLearner === true && { isLearner: true }),
    ...(typeof name === 'string' && name !== '' && { name }),
    ...(clientURLs.length > 0 && { clientURLs }),
  };
}

function memberId(hex: string): bigint {
  if (!/^[0-9a-f]{1,16}$/.test(hex)) throw invalid(`'${hex}' is not a member's id`);
  return BigInt(`0x${hex}`);
}

function urls(found: unknown, path: string): string[] {
  if (found === undefined || found === null) return [];
  if (!Array.isArray(found) || found.some((url) => typeof url !== 'string'))
    throw invalid(`${path} has no list of URLs`);
  return found;
}

function child(node: Json, name: string): Json | undefined {
  const found = Object.hasOwn(node, name) ? node[name] : undefined;
  if (found === undefined) return undefined;
  if (!isObject(found)) throw invalid(`'${name}' is not a node`);
  return found;
}

/** A directory's children; a node without any is an empty directory. */
function children(node: unknown, path: string): Json {
  if (!isObject(node)) throw invalid(`${path} is not a node`);
  const found = node.Children ?? {};
  if (!isObject(found)) throw invalid(`${path} has no list of children`);
  return found;
}

function value(node: Json, path: string): string {
  if (typeof node.Value !== 'string') throw invalid(`${path} has no value`);
  return node.Value;
}

function parseObject(text: string, what: string): Json {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw invalid(`${what} is not JSON`, error);
  }
  if (!isObject(parsed)) throw invalid(`${what} is not a JSON object`);
  return parsed;
}

function isObject(found: unknown): found is Json {
  return typeof found === 'object' && found !== null && !Array.isArray(found);
}

function invalid(what: string, cause?: unknown): SnapError {
  return new SnapError('SNAP_STORE_INVALID', `the snapshot's v2 store cannot be used: ${what}`, cause);
}
