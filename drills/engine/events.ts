/** What a running drill tells, as it happens. Renderers listen; the engine knows none of them. */
import type { Verdict } from '../verification/verify.ts';

export const phases = ['prepare', 'backup', 'disaster', 'detect', 'recover', 'verify'] as const;
export type Phase = (typeof phases)[number];

export type DrillEvent =
  | { type: 'drill-started'; drill: string; runId: string; lab: string; steps: { phase: Phase; title: string }[] }
  | { type: 'step-started'; step: number; phase: Phase; title: string }
  | { type: 'step-progress'; step: number; text: string }
  | { type: 'step-finished'; step: number; durationMs: number; summary: string }
  | { type: 'step-failed'; step: number; durationMs: number; error: string }
  | { type: 'rolling-back'; reason: string; how: string }
  | { type: 'rolled-back'; ok: boolean; detail: string }
  /** The report is there, and what is kept beside it is not. */
  | { type: 'evidence-missing'; reason: string }
  | { type: 'verified'; verdict: Verdict }
  | { type: 'drill-finished'; result: DrillResult; reports: string[] };

/** `inconclusive`: the drill could not be carried through, so that nothing was proved either way. */
export type DrillResult = 'passed' | 'failed' | 'inconclusive';
