/** What a log should hold, computed the plain way: the specification that the tests compare the real one with. */
import type { Entry, HardState } from '../../proto/gen/raft.ts';
import { Record as WalRecord } from '../../proto/gen/wal.ts';

export type ModelRecord = { entry: Entry } | { state: HardState };

/** The entries behind index `from`, and the last state, after these records. */
export function contentsOf(records: readonly ModelRecord[], from = 0): { entries: Entry[]; hardState: HardState } {
  let entries: Entry[] = [];
  let hardState: HardState = { term: 0, vote: 0n, commit: 0 };
  for (const record of records) {
    if ('state' in record) hardState = record.state;
    else entries = [...entries.filter(({ Index }) => Index < record.entry.Index), record.entry];
  }
  return { entries: entries.filter(({ Index }) => Index > from), hardState };
}

/** An entry with data that name it, `bytes` long and without a zero in them. */
export function entry(index: number, term = 1, bytes = 20): Entry {
  const text = `entry ${index} of term ${term} `;
  return {
    Type: 0,
    Term: term,
    Index: index,
    Data: Buffer.from(text.repeat(Math.ceil(bytes / text.length)).slice(0, bytes)),
  };
}

export function entries(from: number, to: number, term = 1, bytes = 20): Entry[] {
  return Array.from({ length: to - from + 1 }, (_, i) => entry(from + i, term, bytes));
}

/** Makes contents comparable: data as text, whatever kind of byte array they are. */
export function plain({ entries, hardState }: { entries: readonly Entry[]; hardState: HardState }): unknown {
  const list = entries.map(({ Type, Term, Index, Data }) => [Type, Term, Index, Data && Buffer.from(Data).toString()]);
  return { entries: list, hardState };
}

/** A segment's records with their places, read without any check. `end` is that of the frame, padding included. */
export function frames(segment: Uint8Array): { offset: number; end: number; record: WalRecord }[] {
  const bytes = Buffer.from(segment);
  const found = [];
  for (let offset = 0; offset < bytes.length && bytes.readUInt32LE(offset) !== 0; ) {
    const length = bytes.readUInt32LE(offset);
    const end = offset + 8 + Math.ceil(length / 8) * 8;
    found.push({ offset, end, record: WalRecord.decode(bytes.subarray(offset + 8, offset + 8 + length)) });
    offset = end;
  }
  return found;
}
