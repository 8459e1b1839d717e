/** The rows that simple and table output share. */

import { humanizeBytes } from '../../cli/numbers.ts';
import { type Event, Event_EventType } from '../../proto/gen/kv.ts';
import { AlarmType, type MemberListResponse } from '../../proto/gen/rpc.ts';
import type { EndpointHashKv, EndpointHealth, EndpointStatus } from './printer.ts';

export interface Rows {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function memberRows({ members }: MemberListResponse): Rows {
  return {
    header: ['ID', 'Status', 'Name', 'Peer Addrs', 'Client Addrs', 'Is Learner'],
    rows: members.map((member) => [
      member.ID.toString(16),
      member.name === '' ? 'unstarted' : 'started',
      member.name,
      member.peerURLs.join(','),
      member.clientURLs.join(','),
      String(member.isLearner),
    ]),
  };
}

export function healthRows(list: readonly EndpointHealth[]): Rows {
  return {
    header: ['endpoint', 'health', 'took', 'error'],
    rows: list.map(({ endpoint, healthy, took, error }) => [endpoint, String(healthy), took, error]),
  };
}

export function statusRows(list: readonly EndpointStatus[]): Rows {
  return {
    header: [
      'endpoint',
      'ID',
      'version',
      'db size',
      'is leader',
      'is learner',
      'raft term',
      'raft index',
      'raft applied index',
      'errors',
    ],
    rows: list.map(({ endpoint, status }) => [
      endpoint,
      (status.header?.member_id ?? 0n).toString(16),
      status.version,
      humanizeBytes(status.dbSize),
      String(status.leader === status.header?.member_id),
      String(status.isLearner),
      String(status.raftTerm),
      String(status.raftIndex),
      String(status.raftAppliedIndex),
      status.errors.join(', '),
    ]),
  };
}

export function hashKvRows(list: readonly EndpointHashKv[]): Rows {
  return {
    header: ['endpoint', 'hash'],
    rows: list.map(({ endpoint, hashKv }) => [endpoint, String(hashKv.hash)]),
  };
}

/** As protobuf names it. */
export function eventTypeName({ type }: Event): 'PUT' | 'DELETE' {
  return type === Event_EventType.PUT ? 'PUT' : 'DELETE';
}

/** As protobuf names it; the number for a type of a later release. */
export function alarmName(alarm: AlarmType): string {
  return Object.entries(AlarmType).find(([, value]) => value === alarm)?.[0] ?? String(alarm);
}
