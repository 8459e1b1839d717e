/** Names of certificates as users say them. */

/**
 * @param known names such as `server-node1`
 * @returns ` (did you mean …?)` with the names that have all words of the one given, in whatever order; or nothing
 */
export function didYouMean(name: string, known: readonly string[]): string {
  const words = name
    .toLowerCase()
    .split(/[-_./ ]+/)
    .filter((word) => word !== '' && word !== 'pem');
  const near = known.filter(
    (candidate) => words.length > 0 && words.every((word) => candidate.split('-').includes(word)),
  );
  return near.length === 0 ? '' : ` (did you mean ${near.join(' or ')}?)`;
}
