import type { Logger } from '../base/logger.ts';
import { AlarmRequest, AlarmRequest_AlarmAction, AlarmType } from '../proto/gen/rpc.ts';
import type { Proposer } from './proposer.ts';

export interface SpaceAlarmOptions {
  readonly localId: bigint;
  /** Whether this member's alarm is raised already. */
  isRaised(): boolean;
  readonly proposer: Pick<Proposer, 'propose'>;
  readonly log: Logger;
}

/** Tells the cluster that this member's disk quota is used up. */
export class SpaceAlarm {
  private readonly options: SpaceAlarmOptions;
  private raising = false;

  constructor(options: SpaceAlarmOptions) {
    this.options = options;
  }

  /** Proposes the alarm, once at a time; if that fails, the next request that finds no room does it again. */
  raise(): void {
    const { isRaised, localId: memberID, log, proposer } = this.options;
    if (this.raising || isRaised()) return;
    this.raising = true;
    log.warn('raising the NOSPACE alarm: the database has reached its quota');
    const { ACTIVATE: action } = AlarmRequest_AlarmAction;
    proposer
      .propose({ alarm: AlarmRequest.create({ action, memberID, alarm: AlarmType.NOSPACE }) })
      .catch((error: Error) => log.warn('failed to raise the NOSPACE alarm', { error: error.message }))
      .finally(() => {
        this.raising = false;
      });
  }
}
