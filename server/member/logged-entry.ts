/**
 * What an entry of the log says. All that is not readable here would stop every member that has it, so a leader does not
 * take up a forwarded proposal before it has read it (`proposal-check.ts`).
 */
import { decodeAttributes, decodeContext, idFromHex } from '../membership/mod.ts';
import { ConfChange, ConfChangeType, type Entry, EntryType } from '../proto/gen/raft.ts';
import { InternalRaftRequest } from '../proto/gen/raft_internal.ts';
import { Request as V2Request } from '../proto/gen/v2request.ts';
import { decodeConfChange, singleChange } from '../raft/mod.ts';

export type LoggedEntry =
  /** A leader's first entry, or one in the place of a change that was not taken up. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'request'; readonly id: bigint; readonly request: InternalRaftRequest }
  /** Upstream 3.5 publishes a member's attributes and the cluster version in an older form (disk-and-peer §2.4). */
  | { readonly kind: 'attributes'; readonly id: bigint; readonly name: string; readonly clientURLs: string[] }
  | { readonly kind: 'version'; readonly version: string }
  /** Of the v2 store, which does not exist any more. */
  | { readonly kind: 'obsolete'; readonly method: string; readonly path: string }
  | { readonly kind: 'change'; readonly change: ConfChange };

/** @throws Error that says what of it cannot be read, or is of a kind that this server does not know */
export function readEntry(entry: Pick<Entry, 'Type' | 'Data'>): LoggedEntry {
  switch (entry.Type) {
    case EntryType.EntryNormal:
      return entry.Data === undefined || entry.Data.length === 0 ? { kind: 'nothing' } : readRequest(entry.Data);
    case EntryType.EntryConfChange:
    case EntryType.EntryConfChangeV2:
      return { kind: 'change', change: readChange(entry) };
    default:
      throw new Error(`unknown type ${String(entry.Type)} of an entry`);
  }
}

/** The two forms are told apart as upstream does it: what is no request of the one may be one of the other. */
function readRequest(data: Uint8Array): LoggedEntry {
  let request: InternalRaftRequest;
  try {
    request = InternalRaftRequest.decode(data);
  } catch (error) {
    const v2 = V2Request.decode(data);
    // The error about the present form says more.
    if (v2.Method === '') throw error;
    return readV2Request(v2);
  }
  if (!asksForSomething(request)) throw new Error('a request of a kind that this server does not know');
  return { kind: 'request', id: request.header?.ID ?? request.ID, request };
}

/** Whether it has a field that says what for, and not only who asks. */
function asksForSomething(request: InternalRaftRequest): boolean {
  return fieldOf(request) !== undefined;
}

function fieldOf(request: InternalRaftRequest): string | undefined {
  for (const name in request) {
    if (name !== 'ID' && name !== 'header' && request[name as keyof InternalRaftRequest] !== undefined) return name;
  }
  return undefined;
}

const operations = new Map<string, string>();

/** What a request asks for, in the words of upstream's metrics: `lease_grant` is `LeaseGrant`. */
export function operationOf(request: InternalRaftRequest): string {
  const field = fieldOf(request) ?? 'unknown';
  let operation = operations.get(field);
  if (operation === undefined) {
    operation = field.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
    operations.set(field, operation);
  }
  return operation;
}

function readV2Request({ Method: method, Path: path, Val }: V2Request): LoggedEntry {
  const id = /^\/0\/members\/([0-9a-f]+)\/attributes$/.exec(path)?.[1];
  const memberId = id === undefined ? undefined : idFromHex(id);
  if (method === 'PUT' && memberId !== undefined) return { kind: 'attributes', id: memberId, ...decodeAttributes(Val) };
  if (method === 'PUT' && path === '/0/version') return { kind: 'version', version: Val };
  return { kind: 'obsolete', method, path };
}

/** A change in the newer form is one in the older form, as long as it is a single one. @throws ConfChangeError otherwise */
function readChange(entry: Pick<Entry, 'Type' | 'Data'>): ConfChange {
  const change = decodeConfChange(entry);
  const context = change.context ?? new Uint8Array(0);
  const single = 'changes' in change ? ConfChange.create({ ...singleChange(change), context }) : change;
  const types: readonly number[] = Object.values(ConfChangeType);
  if (!types.includes(single.type)) throw new Error(`unknown type ${String(single.type)} of a ConfChange`);
  if (single.type !== ConfChangeType.ConfChangeRemoveNode) decodeContext(context);
  return single;
}
