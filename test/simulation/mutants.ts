/**
 * Rules of consensus and durability, each broken by a small change of the source text. The simulation must notice.
 *
 * A mutant names the seed that finds it. When the code moves on and the seed does not find it any more, the test goes on
 * with the seeds behind it: name the one that does.
 */
import type { Patch } from './seams.ts';

export interface Mutant {
  readonly name: string;
  /** What is wrong with it. */
  readonly title: string;
  /** What must be seen of it: a seed that fails in another way does not count. */
  readonly violation: RegExp;
  /** The first seed to try. */
  readonly seed: number;
  readonly patches: readonly Patch[];
}

export const mutants: readonly Mutant[] = [
  {
    name: 'vote-not-synced',
    title: 'a vote is written, but not forced to disk',
    violation: /durability: term/,
    seed: 6,
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
    violation: /pre-vote: /,
    seed: 1,
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
    violation: /no progress/,
    seed: 1,
    patches: [{ file: 'server/raft/core.ts', find: '      this.vote = 0n;\n', replace: '' }],
  },
  {
    name: 'vote-for-outdated',
    title: 'candidates that lack entries get votes',
    violation: /leader completeness: |became one of term/,
    seed: 4,
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
    violation: /commit rule: /,
    seed: 5,
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
    violation: /durable only on/,
    seed: 3,
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
    violation: /the end of the log is lost/,
    seed: 2,
    patches: [
      {
        file: 'server/member/raft-driver.ts',
        find: '    saved.then(\n      () => this.afterPersist(ready),',
        replace:
          '    saved.catch(() => undefined);\n    Promise.resolve().then(\n      () => this.afterPersist(ready),',
      },
    ],
  },
  {
    name: 'log-not-matched',
    title: 'entries are taken in without a look at the one before',
    violation: /log matching: |became one of term/,
    seed: 26,
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
    violation: /no leader, is the first to commit/,
    seed: 3,
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
    violation: /read index: /,
    seed: 1,
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
    violation: /linearizability: .* may read at/,
    seed: 19,
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
    violation: /not linearizable: /,
    seed: 5,
    patches: [
      {
        file: 'server/member/pending.ts',
        find: 'if (index <= this.appliedIndex) return Promise.resolve();',
        replace: 'if (index >= 0) return Promise.resolve();',
      },
    ],
  },
  {
    name: 'log-not-synced',
    title: 'the log is written without a sync',
    violation: /the end of the log is lost/,
    seed: 2,
    patches: [{ file: 'server/wal/log-writer.ts', find: '      await this.file.datasync();\n', replace: '' }],
  },
  {
    name: 'segment-name-not-synced',
    title: 'a new segment of the log has no durable name',
    violation: /the end of the log is lost/,
    seed: 3,
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
    violation: /is missing or older than the snapshot/,
    seed: 2,
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
    violation: /state machine safety: /,
    seed: 2,
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
    violation: /The file is damaged/,
    seed: 9,
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
    title: 'a request is proposed twice',
    violation: /not linearizable: /,
    seed: 28,
    patches: [
      {
        file: 'server/member/proposer.ts',
        find: 'this.options.propose(data);',
        replace: 'this.options.propose(data);\n      this.options.propose(data);',
      },
    ],
  },
  {
    name: 'persist-skipped',
    title: 'what changes term and vote only is not written',
    violation: /durability: term/,
    seed: 2,
    patches: [
      {
        file: 'server/member/raft-driver.ts',
        find: 'const saved = this.wal.save(ready.hardState, ready.entries, ready.mustSync);',
        replace:
          'const saved = ready.entries.length === 0 ? Promise.resolve() : ' +
          'this.wal.save(ready.hardState, ready.entries, ready.mustSync);',
      },
    ],
  },
  {
    name: 'two-votes',
    title: 'a member votes for whoever asks',
    violation: /election safety: /,
    seed: 16,
    patches: [
      {
        file: 'server/raft/election.ts',
        find: 'core.vote === message.from || (core.vote === 0n && core.lead === 0n) || (isPreVote && message.term > core.term);',
        replace: 'message.term >= core.term;',
      },
    ],
  },
  {
    name: 'promises-early',
    title: 'votes and acknowledgements leave before they are durable',
    violation: /durable only on/,
    seed: 1,
    patches: [
      {
        file: 'server/raft/core.ts',
        find: 'this.messagesAfterPersist.push(message);',
        replace: 'this.messages.push(message);',
      },
    ],
  },
  {
    name: 'pre-vote-skipped',
    title: 'a member begins a term without having asked first',
    violation: /pre-vote: .* only 0 of/,
    seed: 1,
    patches: [
      {
        file: 'server/raft/election.ts',
        find: "if (kind === 'timeout' && core.config.preVote) becomePreCandidate(core);",
        replace: 'if (core.term < 0) becomePreCandidate(core);',
      },
    ],
  },
  {
    name: 'quorum-not-checked',
    title: 'a leader that hears from nobody goes on leading',
    violation: /check-quorum: /,
    seed: 3,
    patches: [
      {
        file: 'server/raft/step.ts',
        find: 'config.checkQuorum && !core.tracker.takeQuorumActive(core.id)',
        replace: 'config.checkQuorum && core.term < 0',
      },
    ],
  },
  {
    name: 'progress-kept',
    title: 'a new leader relies on what it knew of the others in an earlier term',
    violation: /leader completeness: |became one of term|no progress/,
    seed: 27,
    patches: [
      {
        file: 'server/raft/core.ts',
        find: 'for (const progress of this.tracker.progress.values()) progress.reset(this.log.lastIndex + 1);',
        replace: '',
      },
    ],
  },
  {
    name: 'learner-counted',
    title: 'the copies of learners count for the commit',
    violation: /durable only on/,
    seed: 4,
    patches: [
      {
        file: 'server/raft/tracker.ts',
        find: 'for (const id of this.current.voters) matches.push(this.members.get(id)?.match ?? 0);',
        replace:
          'for (const { match } of this.members.values()) matches.push(match);\n' +
          '    matches.sort((a, b) => b - a).splice(this.current.voters.size);',
      },
    ],
  },
  {
    name: 'heartbeat-beyond-match',
    title: 'a heartbeat commits entries that the follower may have otherwise',
    violation: /raft cannot continue: .* entries were lost/,
    seed: 1,
    patches: [
      {
        file: 'server/raft/heartbeat.ts',
        find: 'Math.min(progress.match, core.log.committed)',
        replace: 'Math.max(0, progress.isLearner ? progress.match : core.log.committed)',
      },
    ],
  },
  {
    name: 'snapshot-over-newer-log',
    title: 'an old snapshot takes the place of a newer log',
    violation: /there is no database for the snapshot/,
    seed: 4,
    patches: [
      {
        file: 'server/raft/follower.ts',
        find: 'if (snapshot === undefined || snapshot.metadata.index <= core.log.committed) return false;',
        replace: 'if (snapshot === undefined) return false;',
      },
      { file: 'server/raft/follower.ts', find: 'if (core.log.matches(index, term)) {', replace: 'if (index < 0) {' },
    ],
  },
  {
    name: 'snapshot-without-its-record',
    title: 'the log does not know of the snapshot that it begins at',
    violation: /does not follow on .* it was not written/,
    seed: 2,
    patches: [
      {
        file: 'server/member/raft-driver.ts',
        find: '    await this.wal.saveSnapshot({ index, term, confState: conf_state as ConfState });\n',
        replace: '',
      },
    ],
  },
  {
    name: 'changes-overlap',
    title: 'a change of the members is taken up while another one is not applied',
    violation: /members: .* changes that are not committed/,
    seed: 7,
    patches: [
      {
        file: 'server/raft/leader.ts',
        find: 'if (core.pendingConfIndex > core.log.applied) {',
        replace: 'if (core.pendingConfIndex < 0) {',
      },
      {
        file: 'server/member/reconfiguration.ts',
        find: 'this.turn.then(() => this.run(',
        replace: 'Promise.resolve().then(() => this.run(',
      },
      { file: 'server/member/reconfiguration.ts', find: '    await this.catchUp(leftMs);\n', replace: '' },
    ],
  },
  {
    name: 'change-in-force-early',
    title: 'a leader puts a change of the members in force before it is committed',
    violation: /members: .* and applied no change/,
    seed: 1,
    patches: [
      {
        file: 'server/raft/leader.ts',
        find: '        core.pendingConfIndex = index;\n',
        replace:
          '        core.pendingConfIndex = index;\n' +
          '        core.tracker.configure(changeConfiguration(core.tracker.configuration, decodeConfChange(entry)), index);\n',
      },
      {
        file: 'server/raft/leader.ts',
        find: "import { isConfChange, takesVoter } from './conf-change.ts';",
        replace: "import { changeConfiguration, decodeConfChange, isConfChange, takesVoter } from './conf-change.ts';",
      },
    ],
  },
  {
    name: 'read-by-lease',
    title: 'a leader answers reads because it heard from a quorum not long ago',
    violation: /read index: /,
    seed: 1,
    patches: [
      {
        file: 'server/raft/reads.ts',
        find: '} else if (core.tracker.isOnlyVoter(core.id)) {',
        replace:
          '} else if (core.tracker.hasQuorum(new Set([...core.tracker.progress].filter(([id, each]) => ' +
          'id === core.id || each.recentActive).map(([id]) => id)))) {',
      },
    ],
  },
  {
    name: 'progress-behind-data',
    title: 'the database says that it has come further than it has',
    violation: /the end of the log is lost/,
    seed: 2,
    patches: [
      {
        file: 'server/member/state-machine.ts',
        find: "backend.put('meta', consistentIndexKey, uint64(this.appliedIndex));",
        replace: "backend.put('meta', consistentIndexKey, uint64(this.appliedIndex + 1));",
      },
    ],
  },
];
