/** Drills as files: what is done in each phase. Verification is built in, and no file can leave it out. */
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { LabError } from '../../toolkit/errors.ts';
import { describeIssue, offsetOfIssue, unfoldIssue } from '../../toolkit/lab/yaml-issues.ts';
import { assertionSchema } from './assertions.ts';

const stepForms = 'must be the name of a step, or `name: { parameters }`';

/** A step is a name, or a name with parameters. */
const step = z.union(
  [
    z.string().transform((name) => ({ name, parameters: {} as Record<string, unknown> })),
    z
      .record(z.string(), z.record(z.string(), z.unknown()))
      .refine((entry) => Object.keys(entry).length === 1)
      .transform((entry) => {
        const [[name, parameters]] = Object.entries(entry) as [[string, Record<string, unknown>]];
        return { name, parameters };
      }),
  ],
  stepForms,
);

/** The phases that a file describes; `verify` follows by itself. */
export const describedPhases = ['prepare', 'backup', 'disaster', 'detect', 'recover'] as const;

/** More is a test suite, and belongs elsewhere. */
const maxAssertions = 1000;

const definition = z.strictObject({
  title: z.string().min(1),
  /** What whoever runs it learns from it. */
  teaches: z.string().min(1),
  prepare: z.array(step).default([]),
  backup: z.array(step).min(1),
  disaster: z.array(step).min(1),
  /** How the disaster shows, and to whom. */
  detect: z.array(step).default([]),
  recover: z.array(step).min(1),
  /** What must hold on every member in the end, beside what every drill proves. */
  assert: z.array(assertionSchema).max(maxAssertions).default([]),
});

export type StepReference = z.output<typeof step> & {
  /** `FILE:LINE:COLUMN`, for messages. */
  at: string;
};

export type DrillDefinition = Pick<z.output<typeof definition>, 'title' | 'teaches' | 'assert'> &
  Record<(typeof describedPhases)[number], StepReference[]> & { name: string };

/**
 * Parses the text of a drill file.
 *
 * @param name the drill's name, which is the file's name without `.yaml`
 * @param file for messages
 * @throws LabError LAB_DRILL_FILE with file, line, column and reason
 */
export function parseDrill(name: string, text: string, file: string): DrillDefinition {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const [problem] = document.errors;
  if (problem !== undefined) throw new LabError('LAB_DRILL_FILE', `${at(problem.pos[0])}: ${problem.message}`);
  const parsed = definition.safeParse(plainValue(document, at));
  if (!parsed.success) {
    const [issue] = parsed.error.issues.flatMap(unfoldIssue) as [z.core.$ZodIssue];
    throw new LabError('LAB_DRILL_FILE', `${at(offsetOfIssue(document, issue))}: ${describeIssue(issue)}`);
  }
  const positioned = describedPhases.map((phase) => [
    phase,
    parsed.data[phase].map((reference, i) => {
      const node = document.getIn([phase, i], true) as { range?: [number, number, number] } | undefined;
      return { ...reference, at: at(node?.range?.[0] ?? 0) };
    }),
  ]);
  return { ...parsed.data, ...Object.fromEntries(positioned), name };
}

function plainValue(document: ReturnType<typeof parseDocument>, at: (offset: number) => string): object {
  // A bound on aliases stops a small file from growing into gigabytes.
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new LabError('LAB_DRILL_FILE', `${at(0)}: a drill is described by a mapping, such as: title: ...`);
}
