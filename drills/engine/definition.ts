/** Drills as files: what is done in each phase. Verification is built in, and no file can leave it out. */

import { parseDocument } from 'yaml';
import { z } from 'zod';
import { LabError } from '../../toolkit/errors.ts';

/** A step is a name, or a name with parameters. */
const step = z.union([
  z.string().transform((name) => ({ name, parameters: {} as Record<string, unknown> })),
  z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .refine((entry) => Object.keys(entry).length === 1, 'one step at a time: a name, or `name: { parameters }`')
    .transform((entry) => {
      const [[name, parameters]] = Object.entries(entry) as [[string, Record<string, unknown>]];
      return { name, parameters };
    }),
]);

const definition = z.strictObject({
  title: z.string().min(1),
  /** What whoever runs it learns from it. */
  teaches: z.string().min(1),
  prepare: z.array(step).default([]),
  backup: z.array(step).min(1),
  disaster: z.array(step).min(1),
  recover: z.array(step).min(1),
});

export type DrillDefinition = z.output<typeof definition> & { name: string };
export type StepReference = z.output<typeof step>;

/**
 * Parses the text of a drill file.
 *
 * @param name the drill's name, which is the file's name without `.yaml`
 * @param file for messages
 * @throws LabError LAB_DRILL_FILE with file, line, column and reason
 */
export function parseDrill(name: string, text: string, file: string): DrillDefinition {
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) {
    const at = problem.linePos?.[0];
    throw new LabError('LAB_DRILL_FILE', `${file}:${at?.line ?? 1}:${at?.col ?? 1}: ${problem.message.split('\n')[0]}`);
  }
  const parsed = definition.safeParse(document.toJS());
  if (parsed.success) return { ...parsed.data, name };
  const [issue] = parsed.error.issues;
  const node = document.getIn(issue?.path ?? [], true) as { range?: [number, number, number] } | undefined;
  const { line, column } = position(text, node?.range?.[0] ?? 0);
  const where = issue?.path.join('.') || 'the drill';
  throw new LabError('LAB_DRILL_FILE', `${file}:${line}:${column}: ${where}: ${issue?.message ?? 'invalid'}`);
}

function position(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1) as string).length + 1 };
}
