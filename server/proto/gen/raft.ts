// Generated from raft.proto by scripts/generate-proto.ts. Edit that, then run "npm run generate".
import { Reader, encodeWith, type ProtoCodec, type Writer } from '../wire.ts';

export const EntryType = {
  EntryNormal: 0,
  EntryConfChange: 1,
  EntryConfChangeV2: 2,
} as const;
export type EntryType = (typeof EntryType)[keyof typeof EntryType];

export const MessageType = {
  MsgHup: 0,
  MsgBeat: 1,
  MsgProp: 2,
  MsgApp: 3,
  MsgAppResp: 4,
  MsgVote: 5,
  MsgVoteResp: 6,
  MsgSnap: 7,
  MsgHeartbeat: 8,
  MsgHeartbeatResp: 9,
  MsgUnreachable: 10,
  MsgSnapStatus: 11,
  MsgCheckQuorum: 12,
  MsgTransferLeader: 13,
  MsgTimeoutNow: 14,
  MsgReadIndex: 15,
  MsgReadIndexResp: 16,
  MsgPreVote: 17,
  MsgPreVoteResp: 18,
} as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

export const ConfChangeType = {
  ConfChangeAddNode: 0,
  ConfChangeRemoveNode: 1,
  ConfChangeUpdateNode: 2,
  ConfChangeAddLearnerNode: 3,
} as const;
export type ConfChangeType = (typeof ConfChangeType)[keyof typeof ConfChangeType];

export interface Entry {
  Type: EntryType;
  Term: number;
  Index: number;
  Data?: Uint8Array | undefined;
}

function createEntry(): Entry {
  return {
    Type: 0,
    Term: 0,
    Index: 0,
    Data: undefined,
  };
}

export function writeEntry(w: Writer, m: Entry): void {
  w.uint32(8); w.int32(m.Type);
  w.uint32(16); w.varintNumber(m.Term);
  w.uint32(24); w.varintNumber(m.Index);
  if (m.Data !== undefined) { w.uint32(34); w.bytes(m.Data); }
}

export function decodeEntry(r: Reader): Entry {
  const m = createEntry();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.Type = r.int32() as EntryType;
        break;
      case 16:
        m.Term = r.uint64Number();
        break;
      case 24:
        m.Index = r.uint64Number();
        break;
      case 34:
        m.Data = r.bytes();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const Entry: ProtoCodec<Entry> = {
  create: (init) => (init === undefined ? createEntry() : { ...createEntry(), ...init }),
  encode: (message) => encodeWith((w) => writeEntry(w, message)),
  decode: (bytes) => decodeEntry(new Reader(bytes)),
};

export interface ConfState {
  voters: bigint[];
  learners: bigint[];
  voters_outgoing: bigint[];
  learners_next: bigint[];
  auto_leave: boolean;
}

function createConfState(): ConfState {
  return {
    voters: [],
    learners: [],
    voters_outgoing: [],
    learners_next: [],
    auto_leave: false,
  };
}

export function writeConfState(w: Writer, m: ConfState): void {
  for (const v of m.voters) { w.uint32(8); w.varint64(v); }
  for (const v of m.learners) { w.uint32(16); w.varint64(v); }
  for (const v of m.voters_outgoing) { w.uint32(24); w.varint64(v); }
  for (const v of m.learners_next) { w.uint32(32); w.varint64(v); }
  w.uint32(40); w.bool(m.auto_leave);
}

export function decodeConfState(r: Reader): ConfState {
  const m = createConfState();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
      case 10:
        r.repeated(tag, () => m.voters.push(r.uint64()));
        break;
      case 16:
      case 18:
        r.repeated(tag, () => m.learners.push(r.uint64()));
        break;
      case 24:
      case 26:
        r.repeated(tag, () => m.voters_outgoing.push(r.uint64()));
        break;
      case 32:
      case 34:
        r.repeated(tag, () => m.learners_next.push(r.uint64()));
        break;
      case 40:
        m.auto_leave = r.bool();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const ConfState: ProtoCodec<ConfState> = {
  create: (init) => (init === undefined ? createConfState() : { ...createConfState(), ...init }),
  encode: (message) => encodeWith((w) => writeConfState(w, message)),
  decode: (bytes) => decodeConfState(new Reader(bytes)),
};

export interface SnapshotMetadata {
  conf_state: ConfState;
  index: number;
  term: number;
}

function createSnapshotMetadata(): SnapshotMetadata {
  return {
    conf_state: ConfState.create(),
    index: 0,
    term: 0,
  };
}

export function writeSnapshotMetadata(w: Writer, m: SnapshotMetadata): void {
  w.uint32(10); { const s = w.open(); writeConfState(w, m.conf_state); w.close(s); }
  w.uint32(16); w.varintNumber(m.index);
  w.uint32(24); w.varintNumber(m.term);
}

export function decodeSnapshotMetadata(r: Reader): SnapshotMetadata {
  const m = createSnapshotMetadata();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.conf_state = r.message(decodeConfState);
        break;
      case 16:
        m.index = r.uint64Number();
        break;
      case 24:
        m.term = r.uint64Number();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const SnapshotMetadata: ProtoCodec<SnapshotMetadata> = {
  create: (init) => (init === undefined ? createSnapshotMetadata() : { ...createSnapshotMetadata(), ...init }),
  encode: (message) => encodeWith((w) => writeSnapshotMetadata(w, message)),
  decode: (bytes) => decodeSnapshotMetadata(new Reader(bytes)),
};

export interface Snapshot {
  data?: Uint8Array | undefined;
  metadata: SnapshotMetadata;
}

function createSnapshot(): Snapshot {
  return {
    data: undefined,
    metadata: SnapshotMetadata.create(),
  };
}

export function writeSnapshot(w: Writer, m: Snapshot): void {
  if (m.data !== undefined) { w.uint32(10); w.bytes(m.data); }
  w.uint32(18); { const s = w.open(); writeSnapshotMetadata(w, m.metadata); w.close(s); }
}

export function decodeSnapshot(r: Reader): Snapshot {
  const m = createSnapshot();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.data = r.bytes();
        break;
      case 18:
        m.metadata = r.message(decodeSnapshotMetadata);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const Snapshot: ProtoCodec<Snapshot> = {
  create: (init) => (init === undefined ? createSnapshot() : { ...createSnapshot(), ...init }),
  encode: (message) => encodeWith((w) => writeSnapshot(w, message)),
  decode: (bytes) => decodeSnapshot(new Reader(bytes)),
};

export interface Message {
  type: MessageType;
  to: bigint;
  from: bigint;
  term: number;
  logTerm: number;
  index: number;
  entries: Entry[];
  commit: number;
  snapshot?: Snapshot | undefined;
  reject: boolean;
  rejectHint: number;
  context?: Uint8Array | undefined;
}

function createMessage(): Message {
  return {
    type: 0,
    to: 0n,
    from: 0n,
    term: 0,
    logTerm: 0,
    index: 0,
    entries: [],
    commit: 0,
    snapshot: undefined,
    reject: false,
    rejectHint: 0,
    context: undefined,
  };
}

export function writeMessage(w: Writer, m: Message): void {
  w.uint32(8); w.int32(m.type);
  w.uint32(16); w.varint64(m.to);
  w.uint32(24); w.varint64(m.from);
  w.uint32(32); w.varintNumber(m.term);
  w.uint32(40); w.varintNumber(m.logTerm);
  w.uint32(48); w.varintNumber(m.index);
  for (const v of m.entries) { w.uint32(58); { const s = w.open(); writeEntry(w, v); w.close(s); } }
  w.uint32(64); w.varintNumber(m.commit);
  if (m.snapshot !== undefined) { w.uint32(74); { const s = w.open(); writeSnapshot(w, m.snapshot); w.close(s); } }
  w.uint32(80); w.bool(m.reject);
  w.uint32(88); w.varintNumber(m.rejectHint);
  if (m.context !== undefined) { w.uint32(98); w.bytes(m.context); }
}

export function decodeMessage(r: Reader): Message {
  const m = createMessage();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.type = r.int32() as MessageType;
        break;
      case 16:
        m.to = r.uint64();
        break;
      case 24:
        m.from = r.uint64();
        break;
      case 32:
        m.term = r.uint64Number();
        break;
      case 40:
        m.logTerm = r.uint64Number();
        break;
      case 48:
        m.index = r.uint64Number();
        break;
      case 58:
        m.entries.push(r.message(decodeEntry));
        break;
      case 64:
        m.commit = r.uint64Number();
        break;
      case 74:
        m.snapshot = r.message(decodeSnapshot);
        break;
      case 80:
        m.reject = r.bool();
        break;
      case 88:
        m.rejectHint = r.uint64Number();
        break;
      case 98:
        m.context = r.bytes();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const Message: ProtoCodec<Message> = {
  create: (init) => (init === undefined ? createMessage() : { ...createMessage(), ...init }),
  encode: (message) => encodeWith((w) => writeMessage(w, message)),
  decode: (bytes) => decodeMessage(new Reader(bytes)),
};

export interface HardState {
  term: number;
  vote: bigint;
  commit: number;
}

function createHardState(): HardState {
  return {
    term: 0,
    vote: 0n,
    commit: 0,
  };
}

export function writeHardState(w: Writer, m: HardState): void {
  w.uint32(8); w.varintNumber(m.term);
  w.uint32(16); w.varint64(m.vote);
  w.uint32(24); w.varintNumber(m.commit);
}

export function decodeHardState(r: Reader): HardState {
  const m = createHardState();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.term = r.uint64Number();
        break;
      case 16:
        m.vote = r.uint64();
        break;
      case 24:
        m.commit = r.uint64Number();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const HardState: ProtoCodec<HardState> = {
  create: (init) => (init === undefined ? createHardState() : { ...createHardState(), ...init }),
  encode: (message) => encodeWith((w) => writeHardState(w, message)),
  decode: (bytes) => decodeHardState(new Reader(bytes)),
};

export interface ConfChange {
  id: bigint;
  type: ConfChangeType;
  node_id: bigint;
  context?: Uint8Array | undefined;
}

function createConfChange(): ConfChange {
  return {
    id: 0n,
    type: 0,
    node_id: 0n,
    context: undefined,
  };
}

export function writeConfChange(w: Writer, m: ConfChange): void {
  w.uint32(8); w.varint64(m.id);
  w.uint32(16); w.int32(m.type);
  w.uint32(24); w.varint64(m.node_id);
  if (m.context !== undefined) { w.uint32(34); w.bytes(m.context); }
}

export function decodeConfChange(r: Reader): ConfChange {
  const m = createConfChange();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.id = r.uint64();
        break;
      case 16:
        m.type = r.int32() as ConfChangeType;
        break;
      case 24:
        m.node_id = r.uint64();
        break;
      case 34:
        m.context = r.bytes();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const ConfChange: ProtoCodec<ConfChange> = {
  create: (init) => (init === undefined ? createConfChange() : { ...createConfChange(), ...init }),
  encode: (message) => encodeWith((w) => writeConfChange(w, message)),
  decode: (bytes) => decodeConfChange(new Reader(bytes)),
};

export interface ConfChangeSingle {
  type: ConfChangeType;
  node_id: bigint;
}

function createConfChangeSingle(): ConfChangeSingle {
  return {
    type: 0,
    node_id: 0n,
  };
}

export function writeConfChangeSingle(w: Writer, m: ConfChangeSingle): void {
  w.uint32(8); w.int32(m.type);
  w.uint32(16); w.varint64(m.node_id);
}

export function decodeConfChangeSingle(r: Reader): ConfChangeSingle {
  const m = createConfChangeSingle();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.type = r.int32() as ConfChangeType;
        break;
      case 16:
        m.node_id = r.uint64();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const ConfChangeSingle: ProtoCodec<ConfChangeSingle> = {
  create: (init) => (init === undefined ? createConfChangeSingle() : { ...createConfChangeSingle(), ...init }),
  encode: (message) => encodeWith((w) => writeConfChangeSingle(w, message)),
  decode: (bytes) => decodeConfChangeSingle(new Reader(bytes)),
};

export const ConfChangeV2_Transition = {
  Auto: 0,
  JointImplicit: 1,
  JointExplicit: 2,
} as const;
export type ConfChangeV2_Transition = (typeof ConfChangeV2_Transition)[keyof typeof ConfChangeV2_Transition];

export interface ConfChangeV2 {
  transition: ConfChangeV2_Transition;
  changes: ConfChangeSingle[];
  context?: Uint8Array | undefined;
}

function createConfChangeV2(): ConfChangeV2 {
  return {
    transition: 0,
    changes: [],
    context: undefined,
  };
}

export function writeConfChangeV2(w: Writer, m: ConfChangeV2): void {
  w.uint32(8); w.int32(m.transition);
  for (const v of m.changes) { w.uint32(18); { const s = w.open(); writeConfChangeSingle(w, v); w.close(s); } }
  if (m.context !== undefined) { w.uint32(26); w.bytes(m.context); }
}

export function decodeConfChangeV2(r: Reader): ConfChangeV2 {
  const m = createConfChangeV2();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.transition = r.int32() as ConfChangeV2_Transition;
        break;
      case 18:
        m.changes.push(r.message(decodeConfChangeSingle));
        break;
      case 26:
        m.context = r.bytes();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const ConfChangeV2: ProtoCodec<ConfChangeV2> = {
  create: (init) => (init === undefined ? createConfChangeV2() : { ...createConfChangeV2(), ...init }),
  encode: (message) => encodeWith((w) => writeConfChangeV2(w, message)),
  decode: (bytes) => decodeConfChangeV2(new Reader(bytes)),
};
