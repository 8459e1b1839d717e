/** What the steps of one run share. */
import type { Lab } from '../../toolkit/lab/lab.ts';
import type { DataSet } from '../dataset/dataset.ts';
import type { KeyDifference } from '../verification/compare.ts';
import type { Recovery, Reference } from '../verification/evidence.ts';
import type { Journal } from './journal.ts';
import type { SnapshotManifest } from './manifest.ts';

export interface DrillContext {
  readonly lab: Lab;
  /** Names this run in files, key prefixes and the new cluster token. */
  readonly runId: string;
  readonly seed: string;
  readonly signal: AbortSignal;
  readonly journal: Journal;
  /** Where this run keeps its snapshot and reports. */
  readonly directory: string;
  now(): Date;
  /** Tells what the current step is doing. */
  progress(text: string): void;
  /** What the steps so far have found out. */
  readonly found: Findings;
}

export interface Findings {
  dataSet?: DataSet;
  snapshot?: { path: string; sha256: string; manifest: SnapshotManifest };
  reference?: Reference;
  loss?: Loss;
  /** When the first member was hurt. */
  disasterAt?: Date;
  recovery?: Recovery;
  /** SHA-256 of what each member was restored from, by member. */
  restoredFrom: Record<string, string>;
}

/** What restoring the snapshot gives up: the recovery point objective, in revisions, time and keys by name. */
export interface Loss {
  revisions: number;
  /** From the snapshot to the last write that a client saw acknowledged. */
  durationMs: number;
  /** How the last state before the disaster differs from the snapshot's. */
  keys: KeyDifference[];
}

/** @throws Error when a drill file runs steps in an order in which `value` is not yet known */
export function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the drill has no ${what} yet: a step that makes it must come first`);
  return value;
}
