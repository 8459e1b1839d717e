/** What a stream of watches is told, one message each; the header is whoever sends it's to add. */

/** The id in messages that are not about one watch of the stream: refusals, and progress of all of them. */
export const noWatchId = -1n;

export interface WatchFrame {
  readonly watchId: bigint;
  /** For the header (contract: api.md §2.5, "header.revision"). */
  revision: number;
  readonly created: boolean;
  readonly canceled: boolean;
  /** Why there will be no more events: what comes next has been compacted away, up to here. 0 otherwise. */
  readonly compactRevision: number;
  readonly cancelReason: string;
  /** Whether the message may be sent in pieces when it is too large for one. */
  readonly mayFragment: boolean;
  /** Each an encoded field `events` of WatchResponse. They may be shared with other frames: not to be changed. */
  readonly events: Uint8Array[];
}

export function frame(watchId: bigint, revision: number, rest: Partial<WatchFrame> = {}): WatchFrame {
  return {
    ...{ watchId, revision, created: false, canceled: false, compactRevision: 0, cancelReason: '' },
    ...{ mayFragment: false, events: [] },
    ...rest,
  };
}
