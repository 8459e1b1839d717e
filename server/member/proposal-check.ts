/** Keeps out of the log what other members forward and no member could apply: it would stop all of them. */
import type { Logger } from '../base/logger.ts';
import { idToHex } from '../membership/mod.ts';
import { type Message, MessageType } from '../proto/gen/raft.ts';
import { readEntry } from './logged-entry.ts';

/**
 * @returns the message without proposals that cannot be read; undefined when nothing is left of it
 */
export function withoutUnreadable(message: Message, log: Logger): Message | undefined {
  if (message.type !== MessageType.MsgProp) return message;
  const entries = message.entries.filter((entry) => {
    try {
      readEntry(entry);
      return true;
    } catch (error) {
      log.warn('dropped a forwarded proposal that no member could apply', {
        from: idToHex(message.from),
        'entry-type': entry.Type,
        'size-bytes': entry.Data?.length ?? 0,
        error: (error as Error).message,
      });
      return false;
    }
  });
  if (entries.length === message.entries.length) return message;
  return entries.length === 0 ? undefined : { ...message, entries };
}
