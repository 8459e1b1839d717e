/** Whether a peer can be reached, as all of its connections together have seen it last. */
import { idToHex } from '../membership/mod.ts';
import type { Log } from './types.ts';

export class PeerStatus {
  private readonly id: bigint;
  private readonly log: Log;
  private readonly now: () => number;
  private readonly onChange: (active: boolean) => void;
  private since: number | undefined;

  constructor(id: bigint, log: Log, now: () => number, onChange: (active: boolean) => void) {
    this.id = id;
    this.log = log;
    this.now = now;
    this.onChange = onChange;
  }

  /** When the peer became reachable, in the milliseconds of `now`; undefined while it is not. */
  get activeSince(): number | undefined {
    return this.since;
  }

  activate(): void {
    if (this.since !== undefined) return;
    this.since = this.now();
    this.log('info', 'peer became active', { 'peer-id': idToHex(this.id) });
    this.onChange(true);
  }

  /** @param action what was tried, such as `dial stream message` */
  deactivate(action: string, reason: string): void {
    if (this.since === undefined) {
      this.log('debug', 'peer deactivated again', { 'peer-id': idToHex(this.id), action, error: reason });
      return;
    }
    this.since = undefined;
    this.log('warn', 'peer became inactive (message send to peer failed)', {
      'peer-id': idToHex(this.id),
      error: `failed to ${action}: ${reason}`,
    });
    this.onChange(false);
  }
}
