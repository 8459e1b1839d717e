/** The ways in which raft refuses what it is asked to do. */

/**
 * A proposal or read was not taken up. Nothing happened; it may be repeated when there is a leader.
 * It could be because there is no leader yet, leadership is being transferred, or this member was removed.
 */
export class ProposalDropped extends Error {
  override readonly name = 'ProposalDropped';

  constructor(reason: string) {
    super(`raft proposal dropped: ${reason}`);
  }
}

/**
 * A proposal was not taken up because the leader's log has too much in it that is not applied yet: proposals come faster
 * than the disks of a majority take them.
 */
export class TooManyUnapplied extends ProposalDropped {
  constructor(sizeBytes: number) {
    super(`${sizeBytes} bytes of entries are not applied yet`);
  }
}

/** A committed configuration change cannot be applied. */
export class ConfChangeError extends Error {
  override readonly name = 'ConfChangeError';

  constructor(reason: string) {
    super(`cannot apply the configuration change: ${reason}`);
  }
}

/**
 * The log, the disk or the caller contradicts what raft relies on. Going on could lose acknowledged data: the member
 * must stop. It could be because files were removed, restored from an old copy, or used by two members.
 */
export class RaftError extends Error {
  override readonly name = 'RaftError';

  constructor(reason: string) {
    super(`raft cannot continue: ${reason}`);
  }
}
