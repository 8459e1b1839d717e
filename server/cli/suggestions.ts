/** Names that somebody may have meant. */

/** Two edits away, as cobra has it. */
const maxDistance = 2;

/** The `names` that `word` is a beginning of, or that it differs from by at most two letters; case does not count. */
export function suggestions(word: string, names: readonly string[]): string[] {
  const typed = word.toLowerCase();
  return names.filter(
    (name) => name.toLowerCase().startsWith(typed) || distance(typed, name.toLowerCase()) <= maxDistance,
  );
}

/** Levenshtein distance: how many letters must be inserted, removed or replaced. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
