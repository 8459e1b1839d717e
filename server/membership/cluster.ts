/**
 * The cluster's membership: who is in it, who was, and at which version it runs. Held in memory, and written through
 * to the backend's buckets `members`, `members_removed` and `cluster` (contract: disk-and-peer §5).
 *
 * Every change comes through the raft log and must have the same outcome on every member, so nothing here looks at
 * clock, network or configuration.
 */
import type { Backend } from '../backend/backend.ts';
import {
  type EtcdError,
  errMemberExists,
  errMemberNotFound,
  errMemberNotLearner,
  errNotEnoughStartedMembers,
  errPeerUrlExists,
  errTooManyLearners,
} from '../errors/etcd-error.ts';
import { type ConfChange, ConfChangeType } from '../proto/gen/raft.ts';
import { compareIds, idToHex } from './ids.ts';
import { decodeContext, type Member, newMember } from './member-json.ts';
import { canAddVoter, canPromoteLearner, canRemoveVoter } from './quorum-check.ts';
import {
  type Downgrade,
  deleteVersion,
  MembershipError,
  putDowngrade,
  putMember,
  putRemoved,
  putVersion,
  type Records,
  readMembership,
} from './records.ts';

/** What an applied ConfChange did, for whoever keeps connections to the members. */
export type MembershipChange =
  | { kind: 'added' | 'updated' | 'promoted'; member: Member }
  | { kind: 'removed'; id: bigint };

/** Membership as a .snap file has it, as far as later changes are judged by it. */
export interface Recalled {
  readonly members: readonly {
    readonly id: bigint;
    readonly peerURLs: readonly string[];
    readonly isLearner?: boolean;
  }[];
  readonly removed: readonly bigint[];
}

/** Fixed in etcd 3.5; a flag, `--max-learners`, from 3.6 on. */
const maxLearners = 1;

export class Cluster {
  /** Never changes; the backend does not hold it, the WAL's metadata does. */
  readonly id: bigint;
  private readonly backend: Records;
  private byId = new Map<bigint, Member>();
  private removedIds = new Set<bigint>();
  /** Known from configuration, while the ConfChange that adds them is still to be applied. */
  private readonly announced = new Set<bigint>();
  private currentVersion: string | undefined;
  private currentDowngrade: Downgrade = { enabled: false, targetVersion: '' };

  private constructor(id: bigint, backend: Records) {
    this.id = id;
    this.backend = backend;
  }

  /**
   * A cluster as this member is told of it before it has a log: a new one, or one that it joins. Its members are known at
   * once, to connect to them, but are not in the database before the ConfChanges that add them are applied.
   */
  static fromMembers(id: bigint, members: readonly Member[], backend: Backend): Cluster {
    const cluster = new Cluster(id, backend);
    for (const member of members) {
      cluster.byId.set(member.id, copy(member));
      cluster.announced.add(member.id);
    }
    return cluster;
  }

  /**
   * The cluster as it was at some index of the log, kept in memory only: what is needed to tell again which of the
   * ConfChanges behind that index were refused.
   */
  static recall(id: bigint, was: Recalled): Cluster {
    const cluster = new Cluster(id, { put: () => undefined, delete: () => undefined });
    for (const { id: memberId, peerURLs, isLearner = false } of was.members) {
      cluster.byId.set(memberId, newMember({ id: memberId, peerURLs: [...peerURLs], isLearner }));
    }
    cluster.removedIds = new Set(was.removed);
    return cluster;
  }

  /**
   * The cluster as the database has it.
   *
   * @param id from the WAL's metadata
   * @throws MembershipError when a record cannot be read
   */
  static load(id: bigint, backend: Backend): Cluster {
    const stored = readMembership(backend);
    const cluster = new Cluster(id, backend);
    cluster.byId = stored.members;
    cluster.removedIds = stored.removed;
    cluster.currentVersion = stored.version;
    cluster.currentDowngrade = stored.downgrade;
    return cluster;
  }

  /** All members, ascending by id. Copies: changing them changes nothing here. */
  members(): Member[] {
    return [...this.byId.values()].sort((a, b) => compareIds(a.id, b.id)).map(copy);
  }

  member(id: bigint): Member | undefined {
    const member = this.byId.get(id);
    return member === undefined ? undefined : copy(member);
  }

  voters(): Member[] {
    return this.members().filter((member) => !member.isLearner);
  }

  isRemoved(id: bigint): boolean {
    return this.removedIds.has(id);
  }

  /** Ids that may never be used again, ascending. */
  removed(): bigint[] {
    return [...this.removedIds].sort(compareIds);
  }

  /** Such as `3.5.0`; undefined until the cluster has decided. */
  version(): string | undefined {
    return this.currentVersion;
  }

  downgrade(): Downgrade {
    return { ...this.currentDowngrade };
  }

  /**
   * What a .snap file's v2 store is made of (contract: disk-and-peer §3.2): members that the log has added so far. The
   * ConfChanges behind the snapshot are judged by them again, and one that is known too early would be refused.
   */
  v2StoreInput(): { members: Member[]; removed: bigint[]; clusterVersion?: string } {
    const version = this.currentVersion;
    return {
      members: this.members().filter((member) => !this.announced.has(member.id)),
      removed: this.removed(),
      ...(version === undefined ? {} : { clusterVersion: version }),
    };
  }

  /**
   * Whether a ConfChange may be applied to the members as they are now. Asked before proposing it, and again before
   * applying it: what is refused then is applied to raft with node id 0, on every member alike.
   *
   * @returns what a client is told; undefined when the change is fine
   * @throws MemberJsonError when the change's context cannot be read
   */
  validateConfChange(change: ConfChange): EtcdError | undefined {
    if (this.removedIds.has(change.node_id)) return errMemberNotFound();
    const present = this.applied(change.node_id);
    switch (change.type) {
      case ConfChangeType.ConfChangeAddNode:
      case ConfChangeType.ConfChangeAddLearnerNode:
        return this.validateAdd(change, present);
      case ConfChangeType.ConfChangeRemoveNode:
        if (present === undefined) return errMemberNotFound();
        // Without voters there is no cluster; upstream lets it happen, and every member crashes.
        return this.isLastVoter(present) ? errNotEnoughStartedMembers() : undefined;
      case ConfChangeType.ConfChangeUpdateNode:
        if (present === undefined) return errMemberNotFound();
        return this.urlsInUse(contextOf(change).member.peerURLs, change.node_id) ? errPeerUrlExists() : undefined;
      default:
        throw new MembershipError(
          `unknown type ${change.type as number} of a ConfChange for ${idToHex(change.node_id)}`,
        );
    }
  }

  private validateAdd(change: ConfChange, present: Member | undefined): EtcdError | undefined {
    const { member, isPromote } = contextOf(change);
    if (isPromote) {
      if (present === undefined) return errMemberNotFound();
      return present.isLearner ? undefined : errMemberNotLearner();
    }
    if (present !== undefined) return errMemberExists();
    if (this.urlsInUse(member.peerURLs, change.node_id)) return errPeerUrlExists();
    if (!member.isLearner || change.type !== ConfChangeType.ConfChangeAddLearnerNode) return undefined;
    const learners = [...this.byId.values()].filter((each) => each.isLearner && !this.announced.has(each.id)).length;
    return learners >= maxLearners ? errTooManyLearners() : undefined;
  }

  /** The member as the log has it so far; one that is only announced does not count. */
  private applied(id: bigint): Member | undefined {
    return this.announced.has(id) ? undefined : this.byId.get(id);
  }

  private isLastVoter(member: Member): boolean {
    const others = this.voters().filter(({ id }) => id !== member.id && !this.announced.has(id));
    return !member.isLearner && others.length === 0;
  }

  private urlsInUse(urls: readonly string[], exceptOf: bigint): boolean {
    for (const member of this.byId.values()) {
      if (member.id === exceptOf || this.announced.has(member.id)) continue;
      if (member.peerURLs.some((url) => urls.includes(url))) return true;
    }
    return false;
  }

  /**
   * Applies a ConfChange that `validateConfChange` finds fine, and puts it into the backend.
   *
   * @throws MembershipError when it is not fine; nothing has changed then
   */
  applyConfChange(change: ConfChange): MembershipChange {
    const refused = this.validateConfChange(change);
    if (refused !== undefined) {
      throw new MembershipError(
        `ConfChange for member ${idToHex(change.node_id)} was not validated: ${refused.message}`,
      );
    }
    const id = change.node_id;
    if (change.type === ConfChangeType.ConfChangeRemoveNode) {
      this.remove(id);
      return { kind: 'removed', id };
    }
    const { member, isPromote } = contextOf(change);
    if (isPromote) return { kind: 'promoted', member: this.edit(id, { isLearner: false }) };
    if (change.type === ConfChangeType.ConfChangeUpdateNode) {
      const { peerURLs, isLearner } = member;
      // What the change says, as upstream takes it: members that differed here would differ about promotions later.
      return { kind: 'updated', member: this.edit(id, { peerURLs: [...peerURLs], isLearner }) };
    }
    return { kind: 'added', member: this.save({ ...member, id }) };
  }

  /**
   * Sets what a member has published about itself: its name and client URLs.
   *
   * @returns the member, or undefined when there is no such member (it was removed meanwhile) and nothing was done
   */
  setAttributes(id: bigint, attributes: { name: string; clientURLs: readonly string[] }): Member | undefined {
    if (this.applied(id) === undefined) return undefined;
    return this.edit(id, { name: attributes.name, clientURLs: [...attributes.clientURLs] });
  }

  /** @param version such as `3.5.0` */
  setVersion(version: string): void {
    this.currentVersion = version;
    putVersion(this.backend, version);
  }

  /** What the database says is the version of another cluster: this one has yet to decide. */
  forgetVersion(): void {
    this.currentVersion = undefined;
    deleteVersion(this.backend);
  }

  setDowngrade(downgrade: Downgrade): void {
    this.currentDowngrade = { ...downgrade };
    putDowngrade(this.backend, downgrade);
  }

  /** Whether the started voters are a quorum of what the cluster becomes; see quorum-check.ts. */
  canAddVoter(): boolean {
    return canAddVoter(this.voters());
  }

  canRemoveVoter(id: bigint): boolean {
    return canRemoveVoter(this.voters(), id);
  }

  canPromoteLearner(): boolean {
    return canPromoteLearner(this.voters());
  }

  private edit(id: bigint, fields: Partial<Member>): Member {
    return this.save({ ...(this.byId.get(id) as Member), ...fields });
  }

  private save(member: Member): Member {
    this.byId.set(member.id, copy(member));
    this.announced.delete(member.id);
    putMember(this.backend, member);
    return copy(member);
  }

  private remove(id: bigint): void {
    this.byId.delete(id);
    this.removedIds.add(id);
    putRemoved(this.backend, id);
  }
}

function contextOf(change: ConfChange): { member: Member; isPromote: boolean } {
  return decodeContext(change.context ?? new Uint8Array());
}

function copy(member: Member): Member {
  return { ...member, peerURLs: [...member.peerURLs], clientURLs: [...member.clientURLs] };
}
