/**
 * Messages that are well-formed and make no sense, from whatever member: raft ignores them, or stops with a RaftError (a
 * ConfChangeError for a joint configuration) that says what it cannot accept. It does not fail in any other way, and its queues do not grow.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ConfState,
  Entry,
  EntryType,
  HardState,
  Message,
  MessageType,
  Snapshot,
} from '../../../server/proto/gen/raft.ts';
import { ConfChangeError, RaftError, RawNode } from '../../../server/raft/mod.ts';
import { fuzzRuns, withinTime } from './damage.ts';

const members = [1n, 2n, 3n];
const member = fc.constantFrom(0n, ...members, 9n, 2n ** 64n - 1n);
const counter = fc.oneof(
  { weight: 12, arbitrary: fc.nat(9) },
  fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1, 2 ** 32),
);
const data = fc.option(
  fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
  { nil: undefined },
);
const confState = fc.record({
  voters: fc.uniqueArray(member),
  learners: fc.uniqueArray(member),
  outgoing: fc.uniqueArray(member, { maxLength: 1 }),
});

const message = fc
  .record({
    type: fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...Object.values(MessageType)) }, fc.nat(40)),
    from: member,
    to: fc.constantFrom(1n, 1n, 1n, 2n),
    term: counter,
    logTerm: counter,
    index: counter,
    commit: counter,
    reject: fc.boolean(),
    rejectHint: counter,
    context: fc.option(fc.constantFrom(Buffer.from('CampaignTransfer'), Buffer.alloc(8, 1), Buffer.alloc(0)), {
      nil: undefined,
    }),
    /** Follow on `index`, as an honest sender's do, unless `isLoose`. */
    entries: fc.array(
      fc.record({ Type: fc.constantFrom<EntryType>(...Object.values(EntryType)), Term: counter, Data: data }),
      { maxLength: 3 },
    ),
    isLoose: fc.boolean(),
    snapshot: fc.option(fc.record({ index: counter, term: counter, confState }), { nil: undefined, freq: 4 }),
  })
  .map(({ entries, isLoose, snapshot, type, ...rest }) =>
    Message.create({
      ...rest,
      type: type as MessageType,
      entries: entries.map((entry, i) => Entry.create({ ...entry, Index: isLoose ? i * 3 : rest.index + 1 + i })),
      snapshot:
        snapshot &&
        Snapshot.create({
          metadata: {
            index: snapshot.index,
            term: snapshot.term,
            conf_state: ConfState.create({ ...snapshot.confState, voters_outgoing: snapshot.confState.outgoing }),
          },
        }),
    }),
  );

const input = fc.oneof(
  { weight: 5, arbitrary: message },
  fc.constant('tick' as const),
  fc.constant('campaign' as const),
  fc.constant('persist' as const),
);

function newNode(seed: number): RawNode {
  return new RawNode(
    {
      id: 1n,
      electionTicks: 3,
      heartbeatTicks: 1,
      maxSizePerMessageBytes: 200,
      maxInflightMessages: 4,
      maxCommittedBytesPerReady: 200,
      checkQuorum: seed % 2 === 0,
      preVote: seed % 4 < 2,
      random: () => 0.5,
    },
    {
      hardState: HardState.create({ term: 2, commit: 2 }),
      confState: ConfState.create({ voters: members.slice(0, 1 + (seed % 3)) }),
      snapshot: Snapshot.create({ metadata: { index: 0, term: 0, conf_state: ConfState.create() } }),
      entries: [1, 2, 3].map((Index) => Entry.create({ Term: Math.min(2, Index), Index })),
      applied: 0,
    },
  );
}

/** Does with a Ready what it says, as far as there are no configuration changes in it. */
function carryOut(node: RawNode): void {
  for (let rounds = 0; node.hasReady(); rounds++) {
    expect(rounds, 'there is always something ready').toBeLessThan(1000);
    const ready = node.ready();
    node.persisted(ready);
    const last = ready.snapshot?.metadata.index ?? ready.committedEntries.at(-1)?.Index;
    if (last !== undefined) node.applied(last);
    expect(ready.messages.length + ready.messagesAfterPersist.length).toBeLessThan(1000);
  }
}

test('any messages in any order are taken, ignored, or end in an error of raft', () => {
  const counts = { goesOn: 0, stops: 0 };
  const property = fc.property(fc.array(input, { maxLength: 25 }), fc.nat(11), (inputs, seed) => {
    const node = newNode(seed);
    try {
      withinTime(() => {
        for (const each of inputs) {
          if (each === 'tick') node.tick();
          else if (each === 'campaign') node.campaign();
          else if (each === 'persist') carryOut(node);
          else node.step(each);
        }
        carryOut(node);
      });
      counts.goesOn++;
    } catch (error) {
      if (!(error instanceof RaftError || error instanceof ConfChangeError)) throw error;
      counts.stops++;
    }
  });
  fc.assert(property, { numRuns: fuzzRuns * 3 });
  expect(Math.min(counts.goesOn, counts.stops)).toBeGreaterThan(0);
});
