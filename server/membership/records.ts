/** Membership as it lies in the backend: buckets `members`, `members_removed`, `cluster` (contract: disk-and-peer §5). */
import type { Backend, BucketName } from '../backend/backend.ts';
import { goJson } from '../base/go-json.ts';
import { idFromHex, idToHex } from './ids.ts';
import { decodeMember, encodeMember, type Member } from './member-json.ts';

/** Where changes are written. */
export type Records = Pick<Backend, 'put' | 'delete'>;

/** An announced downgrade of the whole cluster. */
export interface Downgrade {
  enabled: boolean;
  /** Such as `3.4.0`; empty when none is announced. */
  targetVersion: string;
}

export interface StoredMembership {
  members: Map<bigint, Member>;
  removed: Set<bigint>;
  version: string | undefined;
  downgrade: Downgrade;
}

/** Thrown when the database's membership cannot be read, or a change from the log makes no sense. */
export class MembershipError extends Error {
  override readonly name = 'MembershipError';
}

const clusterVersionKey = Buffer.from('clusterVersion');
const downgradeKey = Buffer.from('downgrade');
const removedValue = Buffer.from('removed');

/** @throws MembershipError naming the record that cannot be read */
export function readMembership(backend: Backend): StoredMembership {
  const members = new Map<bigint, Member>();
  const removed = new Set<bigint>();
  visit(backend, 'members', (id, value) => members.set(id, readMember(id, value)));
  visit(backend, 'members_removed', (id) => removed.add(id));
  const version = backend.get('cluster', clusterVersionKey);
  return {
    members,
    removed,
    version: version === undefined ? undefined : Buffer.from(version).toString(),
    downgrade: readDowngrade(backend.get('cluster', downgradeKey)),
  };
}

export function putMember(backend: Records, member: Member): void {
  backend.put('members', keyOf(member.id), Buffer.from(encodeMember(member)));
}

/** Takes the member away and remembers that its id may never be used again. */
export function putRemoved(backend: Records, id: bigint): void {
  backend.delete('members', keyOf(id));
  backend.put('members_removed', keyOf(id), removedValue);
}

export function putVersion(backend: Records, version: string): void {
  backend.put('cluster', clusterVersionKey, Buffer.from(version));
}

export function deleteVersion(backend: Records): void {
  backend.delete('cluster', clusterVersionKey);
}

export function putDowngrade(backend: Records, downgrade: Downgrade): void {
  const json = `{"target-version":${goJson(downgrade.targetVersion)},"enabled":${downgrade.enabled}}`;
  backend.put('cluster', downgradeKey, Buffer.from(json));
}

function keyOf(id: bigint): Buffer {
  return Buffer.from(idToHex(id));
}

function visit(backend: Backend, bucket: BucketName, each: (id: bigint, value: Uint8Array) => void): void {
  backend.scan(bucket, new Uint8Array(), undefined, (key, value) => {
    const text = Buffer.from(key).toString();
    const id = idFromHex(text);
    if (id === undefined) throw new MembershipError(`database: key "${text}" of bucket ${bucket} is not a member id`);
    each(id, value);
  });
}

function readMember(id: bigint, value: Uint8Array): Member {
  try {
    return { ...decodeMember(value), id };
  } catch (error) {
    throw new MembershipError(`database: record of member ${idToHex(id)}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function readDowngrade(value: Uint8Array | undefined): Downgrade {
  if (value === undefined) return { enabled: false, targetVersion: '' };
  try {
    const json = JSON.parse(Buffer.from(value).toString()) as Record<string, unknown>;
    return { enabled: json.enabled === true, targetVersion: String(json['target-version'] ?? '') };
  } catch (error) {
    throw new MembershipError(`database: cluster/downgrade: ${(error as Error).message}`, { cause: error });
  }
}
