/** What the process of a check and this one tell each other. */
import { z } from 'zod';

/** Longer texts are cut: a screen must show all conditions. */
const maxSeenLength = 600;
const maxConditions = 30;

const clipped = z
  .string()
  .transform((text) => (text.length > maxSeenLength ? `${text.slice(0, maxSeenLength)}…` : text));
/** One text, or one in each language. */
const texts = z.union([
  clipped.transform((text) => ({ en: text, tr: text })),
  z.strictObject({ en: clipped, tr: clipped }),
]);

const verdict = z.strictObject({
  /** What must hold. */
  is: texts,
  met: z.boolean(),
  /** What was seen, whether it holds or not. */
  seen: texts,
  /** Holds from the beginning, and must go on to hold, such as the health of the cluster. */
  guard: z.boolean().default(false),
});
export type Verdict = z.output<typeof verdict>;

export const fromCheck = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('look'),
    call: z.number().int(),
    name: z.string(),
    args: z.array(z.unknown()).max(5),
  }),
  z.strictObject({
    type: z.literal('verdicts'),
    run: z.number().int(),
    verdicts: z.array(verdict).min(1, 'has no condition').max(maxConditions),
  }),
  /** The check itself is broken. */
  z.strictObject({ type: z.literal('broken'), reason: z.string() }),
]);

export type ToCheck =
  | { readonly type: 'run'; readonly run: number; readonly observations: readonly string[] }
  | { readonly type: 'seen'; readonly call: number; readonly value?: unknown; readonly error?: string };
