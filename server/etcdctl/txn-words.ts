/** One line of `txn` input as words: bare, 'raw' or "with Go escapes" (contract: cli §2). */
import { unquote } from '../cli/go-text.ts';

/** A quote without its partner is skipped over, as upstream does. */
const word = /"(?:[^"\\]|\\.)*"|'[^']*'|[^'"\s]\S*/g;

export function splitWords(line: string): string[] {
  return (line.match(word) ?? []).map((token) => {
    if (token.startsWith("'")) return token.slice(1, -1);
    return token.startsWith('"') ? (unquote(token)?.toString() ?? '') : token;
  });
}
