/** Alarms of a cluster. */
import { setTimeout as delay } from 'node:timers/promises';
import { type EtcdClient, RpcError } from '../../server/client/mod.ts';
import { AlarmRequest_AlarmAction, type AlarmType } from '../../server/proto/gen/rpc.ts';
import { LabError } from '../../toolkit/errors.ts';

const deadlineMs = 20_000;

/** @returns the ids of the members that have raised the alarm @throws LabError LAB_ALARM after 20 s without an answer */
export async function raisedBy(client: EtcdClient, alarm: AlarmType, signal: AbortSignal): Promise<bigint[]> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    try {
      const request = { action: AlarmRequest_AlarmAction.GET, alarm };
      const { alarms } = await client.alarm(request, { signal, timeoutMs: 5000 });
      return alarms.filter((each) => each.alarm === alarm).map(({ memberID }) => memberID);
    } catch (error) {
      // A cluster that was just started may have no leader yet.
      if (!(error instanceof RpcError) || signal.aborted) throw error;
      if (performance.now() > end) {
        throw new LabError('LAB_ALARM', `the alarms cannot be listed: ${error.message}`, { advice: 'etcdlab status' });
      }
    }
    await delay(100, undefined, { signal });
  }
}

/** Lifts the alarm for every member that has raised it. */
export async function disarm(client: EtcdClient, alarm: AlarmType, signal: AbortSignal): Promise<void> {
  for (const memberID of await raisedBy(client, alarm, signal)) {
    const request = { action: AlarmRequest_AlarmAction.DEACTIVATE, memberID, alarm };
    await client.alarm(request, { signal, timeoutMs: 5000 });
  }
}
