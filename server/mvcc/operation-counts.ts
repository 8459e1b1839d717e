/** How often the store was asked for what, by the rules of upstream's metrics (contract: api.md §6). */
export interface OperationCounts {
  ranges: number;
  puts: number;
  /** Requests to delete, whatever they found. */
  deletes: number;
  /** Transactions of more than one operation. */
  txns: number;
  /** Keys and values of all puts. */
  putBytes: number;
}

export function noOperations(): OperationCounts {
  return { ranges: 0, puts: 0, deletes: 0, txns: 0, putBytes: 0 };
}
