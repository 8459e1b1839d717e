/** What the steps of one run share. */
import type { CertifiedKey } from '../../pki/mod.ts';
import { LabError } from '../../toolkit/errors.ts';
import type { EngineConfig } from '../../toolkit/lab/config.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import type { ChainWriter } from '../backup/deltas/chain-writer.ts';
import type { Batch, DataSet } from '../dataset/dataset.ts';
import type { Check } from '../verification/check.ts';
import type { KeyDifference } from '../verification/compare.ts';
import type { Recovery, Reference } from '../verification/evidence.ts';
import type { Journal } from './journal.ts';
import type { SnapshotManifest } from './manifest.ts';

/** The parts of a recovery time, in the order in which they follow each other. */
export const recoveryParts = ['detect', 'decide', 'fetch', 'restore', 'start', 'verify'] as const;
export type RecoveryPart = (typeof recoveryParts)[number];

export interface DrillContext {
  readonly lab: Lab;
  /** Names this run in files, key prefixes and the new cluster token. */
  readonly runId: string;
  readonly seed: string;
  readonly signal: AbortSignal;
  readonly journal: Journal;
  /** Where this run keeps its snapshot and reports. */
  readonly directory: string;
  /** The engine that the lab does not run on, if it is known. */
  readonly otherEngine: EngineConfig | undefined;
  now(): Date;
  /** Tells what the current step is doing. */
  progress(text: string): void;
  /** Counts the time that `work` takes as this part of the recovery. */
  measured<T>(part: RecoveryPart, work: () => Promise<T>): Promise<T>;
  /** Called when the drill has ended, however it did; the last one first. */
  onEnd(clean: () => Promise<void>): void;
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
  /** Writes that were acknowledged since the reference was recorded. */
  written: Batch[];
  /** The lab that is verified, when that is another than the one the drill runs on. */
  target?: Lab;
  /** Names of the members that the disaster has hit. */
  hurt?: string[];
  /** Files that are copies of the snapshot, each damaged in a way of its own. */
  damaged?: { how: string; path: string }[];
  /** A snapshot that was taken before the data set was written. */
  olderSnapshot?: string;
  /** What was deleted by mistake: the prefix, and its keys as they were. */
  mistake?: { prefix: string; revision: number };
  /** What records every change, and why it does not any more. */
  log?: { writer: ChainWriter; problem: string | undefined };
  /** The administrator's certificate of the authority whose key was lost. */
  oldAdministrator?: CertifiedKey;
  /** What the steps have judged by themselves; part of the verdict. */
  checks: Check[];
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

/** @returns what a drill throws when its disaster did not come about, so that nothing can be said of the recovery */
export function inconclusive(message: string, advice?: string): LabError {
  return new LabError('LAB_INCONCLUSIVE', message, advice === undefined ? {} : { advice });
}
