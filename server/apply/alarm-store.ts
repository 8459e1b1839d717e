import type { Backend } from '../backend/backend.ts';
import { AlarmMember, AlarmType } from '../proto/gen/rpc.ts';

const nothing = new Uint8Array(0);

/**
 * The alarms that members have raised, kept in bucket `alarm`: the pair of member and type is the key, the value is
 * empty (contract: disk-and-peer §5). Call `restore` first.
 */
export class AlarmStore {
  private readonly backend: Backend;
  /** By encoded AlarmMember, which is the key in the bucket. */
  private readonly raised = new Map<string, AlarmMember>();

  constructor(backend: Backend) {
    this.backend = backend;
  }

  restore(): void {
    this.backend.scan('alarm', nothing, undefined, (key) => {
      const alarm = AlarmMember.decode(Buffer.from(key));
      this.raised.set(nameOf(alarm), alarm);
    });
  }

  /** The alarms of a type in order of their members' ids; with NONE, those of every type. */
  list(type: AlarmType): AlarmMember[] {
    const all = [...this.raised.values()].filter((alarm) => type === AlarmType.NONE || alarm.alarm === type);
    return all.sort((a, b) => (a.memberID < b.memberID ? -1 : a.memberID > b.memberID ? 1 : a.alarm - b.alarm));
  }

  isRaised(type: AlarmType): boolean {
    for (const alarm of this.raised.values()) if (alarm.alarm === type) return true;
    return false;
  }

  /** Raises an alarm; raising it again changes nothing. */
  activate(memberId: bigint, type: AlarmType): AlarmMember {
    const alarm = AlarmMember.create({ memberID: memberId, alarm: type });
    this.raised.set(nameOf(alarm), alarm);
    this.backend.put('alarm', AlarmMember.encode(alarm), nothing);
    return alarm;
  }

  /** @returns the alarm that is no more; undefined when this member had not raised it */
  deactivate(memberId: bigint, type: AlarmType): AlarmMember | undefined {
    const alarm = AlarmMember.create({ memberID: memberId, alarm: type });
    if (!this.raised.delete(nameOf(alarm))) return undefined;
    this.backend.delete('alarm', AlarmMember.encode(alarm));
    return alarm;
  }
}

function nameOf(alarm: AlarmMember): string {
  return `${alarm.memberID} ${alarm.alarm}`;
}
