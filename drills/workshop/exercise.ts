/** An exercise: a folder of plain files, which `docs/workshop-authoring.md` describes. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { LabError } from '../../toolkit/errors.ts';
import { describeIssue, offsetOfIssue, unfoldIssue } from '../../toolkit/lab/yaml-issues.ts';
import type { Language } from './language.ts';

/** Where exercises that say nothing else put their keys. */
export const exercisePrefix = 'workshop/';

const sentence = z.string().min(1, 'must not be empty').max(500, 'must have at most 500 characters');
const texts = z.strictObject({ en: sentence, tr: sentence });
const word = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,40}$/, 'must be a word of lower-case letters');

const schema = z.strictObject({
  title: texts,
  /** What a learner needs who has not done it before. */
  minutes: z.number().int('must be a whole number').min(1, 'must be 1..240').max(240, 'must be 1..240'),
  tags: z.array(word).max(10, 'at most 10').default([]),
  needs: z
    .strictObject({
      members: z.number().int('must be a whole number').min(1, 'must be 1..9').max(9, 'must be 1..9').default(1),
      providers: z
        .array(z.enum(['local', 'ssh', 'vagrant']))
        .min(1, 'must name one')
        .default(['local', 'ssh', 'vagrant']),
      /** Why not with every provider; part of a message. */
      why: sentence.optional(),
      /** Programs that must be on the learner's machine besides etcdctl, etcdutl and etcdlab. */
      commands: z.array(word).max(10, 'at most 10').default([]),
    })
    .prefault({}),
  /** Prefixes that belong to the exercise: empty before it, deleted after it. */
  keys: z.array(z.string().min(3, 'must have at least 3 characters')).max(10, 'at most 10').default([exercisePrefix]),
  /** Observations without arguments that are kept as they were after setup, for the check to compare with. */
  remember: z.array(z.string()).max(10, 'at most 10').default([]),
  /** What is hurt that a reset might not mend. It is asked for first, and a backup is taken. */
  danger: texts.optional(),
  /** How long setup, solution and reset may take, each. */
  timeoutSeconds: z.number().int('must be a whole number').min(1).max(600, 'must be at most 600').default(120),
});

export type Exercise = z.output<typeof schema> & {
  /** The folder's name without its number, such as `first-contact`. */
  readonly id: string;
  /** The number in the folder's name. */
  readonly order: number;
  readonly folder: string;
};

const folderPattern = /^([0-9]{2,3})-([a-z0-9]+(?:-[a-z0-9]+)*)$/;

/** @returns number and id in a folder's name, or undefined if it is not that of an exercise */
export function parseFolderName(name: string): { order: number; id: string } | undefined {
  const match = folderPattern.exec(name);
  return match ? { order: Number(match[1]), id: match[2] as string } : undefined;
}

/** @throws LabError LAB_EXERCISE_FILE with file, line, column and reason */
export async function readExercise(folder: string): Promise<Exercise> {
  const name = parseFolderName(path.basename(folder));
  if (name === undefined) {
    throw new LabError('LAB_EXERCISE_FILE', `${folder}: the folder of an exercise is named as 07-read-a-certificate`);
  }
  const file = path.join(folder, 'exercise.yaml');
  return { ...parseDescription(await readPart(file), file), ...name, folder };
}

/** @param file for messages @throws LabError LAB_EXERCISE_FILE with file, line, column and reason */
export function parseDescription(text: string, file: string): z.output<typeof schema> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const refuse = (offset: number, reason: string): never => {
    const { line, col } = lines.linePos(offset);
    throw new LabError('LAB_EXERCISE_FILE', `${file}:${line}:${col}: ${reason}`);
  };
  const [problem] = document.errors;
  if (problem !== undefined) refuse(problem.pos[0], problem.message);
  // A bound on aliases stops a small file from growing into gigabytes.
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  if (typeof value !== 'object' || value === null)
    refuse(0, 'an exercise is described by a mapping, such as: title: ...');
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues.flatMap(unfoldIssue) as [z.core.$ZodIssue];
  return refuse(offsetOfIssue(document, issue), describeIssue(issue));
}

/** Files in every language, by name: `text.en.md`. */
export type TextName = 'text' | 'hints' | 'solution';

/** Scripts of an exercise. All but `solve` may be missing: there is nothing to do then. */
export type ScriptName = 'setup' | 'solve' | 'reset';

/** @throws LabError LAB_EXERCISE_FILE if it is missing */
export function readText({ folder }: Exercise, name: TextName, language: Language): Promise<string> {
  return readPart(path.join(folder, `${name}.${language}.md`));
}

/** @returns the hints, from vague to concrete: the sections `## 1`, `## 2`, `## 3` of the file */
export async function readHints(exercise: Exercise, language: Language): Promise<string[]> {
  const sections = (await readText(exercise, 'hints', language)).split(/^## [0-9]+[^\n]*\n/m);
  return sections
    .slice(1)
    .map((section) => section.trim())
    .filter((section) => section !== '');
}

/** @returns the script's path, or undefined if the exercise has none */
export function scriptFile({ folder }: Exercise, name: ScriptName): string | undefined {
  const file = path.join(folder, `${name}.sh`);
  return existsSync(file) ? file : undefined;
}

export function checkFile({ folder }: Exercise): string {
  return path.join(folder, 'check.mjs');
}

async function readPart(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'ENOENT' ? 'there is no such file' : error.message;
    throw new LabError('LAB_EXERCISE_FILE', `${file}: ${reason}`, {
      advice: 'docs/workshop-authoring.md says what an exercise consists of',
    });
  });
}
