/**
 * The comparison of members' data by HashKV, in upstream's three forms (contract: disk-and-peer §9, api.md §2.8): when
 * a member starts, from time to time, and after compactions. What differs raises the CORRUPT alarm, which ends all
 * reads through the log and all writes, or keeps the member from starting.
 */
import type { Logger } from '../base/logger.ts';
import { idToHex } from '../membership/mod.ts';
import type { HashKvResult, KvHash } from '../mvcc/mod.ts';
import type { RemoteHashKv } from '../peer/mod.ts';
import { type Verdict, voteOnHashes } from './corruption-vote.ts';

/** What another member answered, or why it did not. */
export interface PeerHash {
  readonly id: bigint;
  readonly answer: RemoteHashKv | Error;
}

export interface CorruptionCheckParts {
  readonly localId: bigint;
  /** @throws EtcdError OutOfRange for a compacted or future revision */
  hashKv(revision: number): Promise<HashKvResult>;
  /** The hashes that compactions have left, in any order. */
  compactionHashes(): readonly KvHash[];
  /** Asks all other members, none twice. Does not reject. */
  askPeers(revision: number): Promise<PeerHash[]>;
  /** Resolves when this member has applied what the cluster had committed when it was called. */
  readBarrier(): Promise<void>;
  /** Raises the CORRUPT alarm of a member, or with 0 of nobody in particular. Does not wait for it. */
  raiseCorrupt(id: bigint): void;
  readonly log: Logger;
}

/** Thrown when a member must not start: its data is not that of the others. */
export class CorruptionError extends Error {
  override readonly name = 'CorruptionError';
}

export class CorruptionCheck {
  private readonly parts: CorruptionCheckParts;
  /** Compactions up to this revision were found equal on all members. */
  private checkedRevision = 0;

  constructor(parts: CorruptionCheckParts) {
    this.parts = parts;
  }

  /**
   * Before this member takes part. Members that do not answer, or have compacted to another revision, are passed over:
   * else no cluster could ever be started.
   *
   * @throws CorruptionError naming the members that have other data
   */
  async atStart(): Promise<void> {
    const { parts } = this;
    parts.log.info('starting initial corruption check', { 'local-member-id': idToHex(parts.localId) });
    const local = await parts.hashKv(0);
    const different: PeerHash[] = [];
    for (const peer of await parts.askPeers(local.currentRevision)) {
      const fields = { 'remote-peer-id': idToHex(peer.id), revision: local.currentRevision };
      if (peer.answer instanceof Error) {
        parts.log.warn('cannot compare with a remote peer', { ...fields, error: peer.answer.message });
      } else if (peer.answer.compactRevision !== local.compactRevision) {
        parts.log.warn('cannot compare with a remote peer that has compacted to another revision', {
          ...fields,
          'local-compact-revision': local.compactRevision,
          'remote-compact-revision': peer.answer.compactRevision,
        });
      } else if (peer.answer.hash !== local.hash) {
        parts.log.error('found different hash values from remote peer', {
          ...fields,
          'local-hash': local.hash,
          'remote-hash': peer.answer.hash,
        });
        different.push(peer);
      }
    }
    if (different.length > 0) {
      const names = different.map(({ id }) => idToHex(id)).join(', ');
      throw new CorruptionError(
        `${idToHex(parts.localId)} found data inconsistency with peers: at revision ${local.currentRevision} its keys ` +
          `are not those of ${names}. Find out which is right (etcdctl endpoint hashkv --cluster), then replace the ` +
          'other: remove the member, add it again, and start it with an empty data directory.',
      );
    }
    parts.log.info('initial corruption checking passed; no corruption', { 'local-member-id': idToHex(parts.localId) });
  }

  /**
   * On the leader: compares everything up to now. A follower can be behind, but never ahead of a leader that has asked
   * the cluster.
   *
   * @throws EtcdError when the leader does not hear of the cluster in time
   */
  async now(): Promise<void> {
    const { parts } = this;
    const { localId } = parts;
    const before = await parts.hashKv(0);
    const peers = await parts.askPeers(before.currentRevision);
    await parts.readBarrier();
    const after = await parts.hashKv(0);
    const { currentRevision, compactRevision } = after;
    const nothingHappened = currentRevision === before.currentRevision && compactRevision === before.compactRevision;
    if (nothingHappened && after.hash !== before.hash) {
      parts.log.error('the hash of a revision has changed', { revision: currentRevision });
      parts.raiseCorrupt(localId);
      return;
    }
    const compared = new Map([[localId, before.hash]]);
    for (const { id, answer } of peers) {
      if (answer instanceof Error) {
        parts.log.warn('cannot compare with a remote peer', { 'remote-peer-id': idToHex(id), error: answer.message });
      } else if (answer.revision > currentRevision || answer.compactRevision > compactRevision) {
        parts.log.error('a follower is ahead of the leader', {
          'remote-peer-id': idToHex(id),
          ...{ 'leader-revision': currentRevision, 'follower-revision': answer.revision },
          ...{ 'leader-compact-revision': compactRevision, 'follower-compact-revision': answer.compactRevision },
        });
        parts.raiseCorrupt(id);
        return;
      } else if (answer.compactRevision === before.compactRevision) {
        compared.set(id, answer.hash);
      }
    }
    this.conclude(before.currentRevision, voteOnHashes(compared, peers.length + 1), compared);
    parts.log.info('finished peer corruption check', { 'number-of-peers-checked': compared.size - 1 });
  }

  /**
   * On the leader: compares what compactions have deleted, by the hashes they computed on the way, newest first, until
   * one could be compared on all members. Older ones are then equal, too.
   */
  async afterCompactions(): Promise<void> {
    const { parts } = this;
    const unchecked = parts
      .compactionHashes()
      .filter(({ revision }) => revision > this.checkedRevision)
      .sort((a, b) => b.revision - a.revision);
    for (const hash of unchecked) if (await this.compareCompaction(hash)) return;
  }

  /** @returns whether older compactions need not be looked at */
  private async compareCompaction(local: KvHash): Promise<boolean> {
    const { parts } = this;
    const { revision, compactRevision } = local;
    const peers = await parts.askPeers(revision);
    const compared = new Map([[parts.localId, local.hash]]);
    for (const { id, answer } of peers) {
      if (!(answer instanceof Error) && answer.compactRevision === compactRevision) {
        compared.set(id, answer.hash);
        continue;
      }
      parts.log.warn('skipped a peer in compaction hash check', {
        revision,
        'remote-peer-id': idToHex(id),
        reason: answer instanceof Error ? answer.message : `it has compacted from revision ${answer.compactRevision}`,
      });
    }
    const verdict = voteOnHashes(compared, peers.length + 1);
    this.conclude(revision, verdict, compared);
    if (verdict.kind !== 'equal') return true;
    if (compared.size <= peers.length) return false;
    this.checkedRevision = revision;
    parts.log.info('successfully checked hash of a compaction on whole cluster', { revision });
    return true;
  }

  private conclude(revision: number, verdict: Verdict, hashes: ReadonlyMap<bigint, number>): void {
    if (verdict.kind === 'equal') return;
    const { log, raiseCorrupt } = this.parts;
    log.error('found different data on the members', {
      revision,
      hashes: Object.fromEntries([...hashes].map(([id, hash]) => [idToHex(id), hash])),
      corrupt: verdict.kind === 'minority' ? verdict.ids.map(idToHex) : 'cannot be told: no hash is that of a quorum',
    });
    if (verdict.kind === 'undecided') raiseCorrupt(0n);
    else for (const id of verdict.ids) raiseCorrupt(id);
  }
}
