/** Rules of consensus and durability, each broken by a small change of the source text. The simulation must notice. */
import type { Patch } from './seams.ts';

export interface Mutant {
  readonly name: string;
  /** What is wrong with it. */
  readonly title: string;
  readonly patches: readonly Patch[];
}

export const mutants: readonly Mutant[] = [
  {
    name: 'vote-not-synced',
    title: 'a vote is written, but not forced to disk',
    patches: [
      {
        file: 'server/raft/raw-node.ts',
        find: 'mustSync: entries.length > 0 || snapshot !== undefined || isElectionState,',
        replace: 'mustSync: entries.length > 0 || snapshot !== undefined,',
      },
    ],
  },
  {
    name: 'vote-counted-twice',
    title: 'a vote is counted twice',
    patches: [
      {
        file: 'server/raft/quorum.ts',
        find: 'if (vote === true) granted++;',
        replace: 'if (vote === true) granted += 2;',
      },
    ],
  },
  {
    name: 'vote-kept',
    title: 'a vote of an earlier term is not forgotten',
    patches: [{ file: 'server/raft/core.ts', find: '      this.vote = 0n;\n', replace: '' }],
  },
  {
    name: 'vote-for-outdated',
    title: 'candidates that lack entries get votes',
    patches: [
      {
        file: 'server/raft/election.ts',
        find: '!canVote || !core.log.isUpToDate(message.index, message.logTerm)',
        replace: '!canVote',
      },
    ],
  },
  {
    name: 'older-term-committed',
    title: 'entries of older terms are committed by counting their copies',
    patches: [
      {
        file: 'server/raft/log.ts',
        find: 'index > this.committedMark && this.matches(index, term) && this.commitTo(index)',
        replace: 'term > 0 && index > this.committedMark && this.commitTo(index)',
      },
    ],
  },
  {
    name: 'own-copy-early',
    title: 'a leader counts its own copy before it is durable',
    patches: [
      {
        file: 'server/raft/leader.ts',
        find: '?.acknowledge(core.log.stable) === true',
        replace: '?.acknowledge(core.log.lastIndex) === true',
      },
    ],
  },
  {
    name: 'acknowledged-before-sync',
    title: 'the driver calls durable what the log is still writing',
    patches: [
      {
        file: 'server/member/raft-driver.ts',
        find: '    saved.then(\n      () => this.afterPersist(ready),',
        replace: '    Promise.resolve().then(\n      () => this.afterPersist(ready),',
      },
    ],
  },
  {
    name: 'log-not-matched',
    title: 'entries are taken in without a look at the one before',
    patches: [
      {
        file: 'server/raft/log.ts',
        find: 'if (!this.matches(previousIndex, previousTerm)) return undefined;',
        replace: 'if (previousIndex > this.lastIndex || previousTerm < 0) return undefined;',
      },
    ],
  },
  {
    name: 'applied-before-commit',
    title: 'entries are applied as soon as they are durable here',
    patches: [
      {
        file: 'server/raft/log.ts',
        find: 'return this.applyingMark < Math.min(this.committedMark, this.stableMark);',
        replace: 'return this.applyingMark < this.stableMark;',
      },
      {
        file: 'server/raft/log.ts',
        find: 'const to = Math.min(this.committedMark, this.stableMark) + 1;',
        replace: 'const to = this.stableMark + 1;',
      },
    ],
  },
  {
    name: 'read-without-quorum',
    title: 'a leader answers reads without making sure that it still leads',
    patches: [
      {
        file: 'server/raft/reads.ts',
        find: '} else if (core.tracker.isOnlyVoter(core.id)) {',
        replace: '} else if (core.tracker.isVoter(core.id)) {',
      },
    ],
  },
  {
    name: 'read-before-commit-in-term',
    title: 'a new leader answers reads before it knows what is committed',
    patches: [
      {
        file: 'server/raft/reads.ts',
        find: 'if (!log.matches(log.committed, core.term)) {',
        replace: 'if (log.committed < 0) {',
      },
    ],
  },
  {
    name: 'read-before-applied',
    title: 'reads are answered before their index is applied',
    patches: [
      {
        file: 'server/member/pending.ts',
        find: 'if (index <= this.appliedIndex) resolve();\n    else',
        replace: 'if (index >= 0) resolve();\n    else',
      },
    ],
  },
  {
    name: 'log-not-synced',
    title: 'the log is written without a sync',
    patches: [{ file: 'server/wal/log-writer.ts', find: '      await this.file.datasync();\n', replace: '' }],
  },
  {
    name: 'segment-name-not-synced',
    title: 'a new segment of the log has no durable name',
    patches: [
      {
        file: 'server/wal/log-writer.ts',
        find: '    if (sync) await fs.syncDirectory(directory);\n    this.segments.push(next);',
        replace: '    this.segments.push(next);',
      },
    ],
  },
  {
    name: 'snapshot-before-database',
    title: 'the log is cut at a snapshot that the database does not hold yet',
    patches: [
      {
        file: 'server/member/log-snapshots.ts',
        find: '    await this.options.machine().backend.commit();\n',
        replace: '',
      },
    ],
  },
  {
    name: 'applied-twice',
    title: 'what the database holds already is applied again after a restart',
    patches: [
      {
        file: 'server/member/state-machine.ts',
        find: 'const replayed = entry.Index <= this.appliedIndex;',
        replace: 'const replayed = entry.Index <= 0;',
      },
    ],
  },
  {
    name: 'database-not-synced',
    title: 'the pages of a database are not forced to disk before the page that points to them',
    patches: [
      {
        file: 'server/bolt/commit-queue.ts',
        find: '    if (sync) await file.datasync();\n    const metaPage',
        replace: '    const metaPage',
      },
    ],
  },
  {
    name: 'proposed-twice',
    title: 'what waited for a leader is proposed again with each new leader',
    patches: [{ file: 'server/member/proposer.ts', find: 'this.parked.splice(0)', replace: 'this.parked.slice()' }],
  },
];
