/** What is known, from the answers so far, of what whoever is asked has come to. */
import {
  type AlarmRequest,
  AlarmRequest_AlarmAction,
  AuthService,
  KVService,
  MaintenanceService,
} from '../../../server/proto/gen/rpc.ts';
import { withoutHeader } from './comparison.ts';
import type { Step } from './step.ts';

export class Knowledge {
  revisions = { current: 1, compacted: 0 };
  /** What each user logs in with, as far as it is known. */
  readonly passwords = new Map<string, string>();
  isAuthEnabled = false;
  mayHaveAlarm = false;

  /** Under an alarm, upstream 3.5 applies without looking at permissions, until it is started again. */
  isBeyondCompare({ method, request }: Step): boolean {
    if (method.path === AuthService.AuthEnable.path) return this.mayHaveAlarm;
    if (method.path !== MaintenanceService.Alarm.path) return false;
    const isActivation = (request(this.revisions) as AlarmRequest).action === AlarmRequest_AlarmAction.ACTIVATE;
    return isActivation && this.isAuthEnabled;
  }

  /** @param answer to `request`, which was done */
  learn({ method }: Step, request: unknown, answer: Buffer): void {
    const { revision } = withoutHeader(answer);
    if (revision !== undefined && revision > 0) this.revisions.current = revision;
    const fields = request as { revision: number; name: string; password: string };
    switch (method.path) {
      case KVService.Compact.path:
        this.revisions.compacted = fields.revision;
        return;
      case MaintenanceService.Alarm.path:
        this.mayHaveAlarm ||= (request as AlarmRequest).action === AlarmRequest_AlarmAction.ACTIVATE;
        return;
      case AuthService.UserAdd.path:
      case AuthService.UserChangePassword.path:
        this.passwords.set(fields.name, fields.password);
        return;
      case AuthService.AuthEnable.path:
        this.isAuthEnabled = true;
        return;
      case AuthService.AuthDisable.path:
        this.isAuthEnabled = false;
    }
  }
}
