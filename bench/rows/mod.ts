/** All rows, in the order in which they are measured and printed. */
import type { Row } from '../row.ts';
import { certificateRows } from './certificates.ts';
import { failoverRows } from './failover.ts';
import { fleetRows } from './fleet.ts';
import { growthRows } from './growth.ts';
import { kubernetesRows } from './kubernetes.ts';
import { kvRows } from './kv.ts';
import { labRows } from './lab.ts';
import { largeRows } from './large.ts';
import { leaseRows } from './lease.ts';
import { manyLeasesRows } from './many-leases.ts';
import { mixedRows } from './mixed.ts';
import { toolRows } from './tools.ts';
import { watchRows } from './watch.ts';

export const allRows: readonly Row[] = [
  ...kvRows,
  ...mixedRows,
  ...watchRows,
  ...leaseRows,
  ...kubernetesRows,
  ...growthRows,
  ...largeRows,
  ...manyLeasesRows,
  ...failoverRows,
  ...toolRows,
  ...certificateRows,
  ...labRows,
  ...fleetRows,
];

/**
 * The rows of the given names, or of names that begin so (`put` for `put-1`, `put-100`, …).
 *
 * @param names none for all, the large ones only if `withLarge`
 * @throws Error for a name that no row has
 */
export function chooseRows(names: readonly string[], withLarge = false): Row[] {
  if (names.length === 0) return allRows.filter(({ isLarge }) => withLarge || isLarge !== true);
  const fits = (name: string, { name: own }: Row): boolean => own === name || own.startsWith(`${name}-`);
  for (const name of names) {
    if (allRows.some((row) => fits(name, row))) continue;
    throw new Error(`there is no row '${name}', only ${allRows.map((row) => row.name).join(', ')}`);
  }
  return allRows.filter((row) => names.some((name) => fits(name, row)));
}
