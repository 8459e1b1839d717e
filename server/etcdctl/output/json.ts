/** `-w json`: one line as Go's encoding/json writes the response (contract: cli §1.5). */
import { type GoJsonValue, goJson } from '../../base/go-json.ts';
import { nonZero } from '../../cli/go-text.ts';
import type { CliIo } from '../../cli/io.ts';
import type { Event, KeyValue } from '../../proto/gen/kv.ts';
import {
  type DeleteRangeResponse,
  type Member,
  type MemberListResponse,
  type PutResponse,
  type RangeResponse,
  ResponseHeader,
  type ResponseOp,
  type StatusResponse,
  type TxnResponse,
  type WatchResponse,
} from '../../proto/gen/rpc.ts';
import { jsonAuth } from './auth.ts';
import { jsonLeases } from './lease.ts';
import type { Printer } from './printer.ts';

/** @param hex member and cluster ids as hexadecimal strings, where upstream has that form */
export function jsonPrinter(io: CliIo, hex: boolean): Printer {
  const print = (value: GoJsonValue): void => void io.stdout.write(`${goJson(value)}\n`);
  return {
    get: (response) => print(range(response)),
    put: (response) => print(put(response)),
    del: (response) => print(deleteRange(response)),
    txn: (response) => print(txn(response)),
    lease: jsonLeases(io),
    auth: jsonAuth(io),
    watch: (response) => print(watch(response)),
    memberList: (response) => print(hex ? memberListInHex(response) : memberList(response)),
    memberAdd: ({ header: from, member: added, members }) =>
      print({ header: header(from), member: added && member(added), members: nonZero(members.map(member)) }),
    memberRemove: (_id, response) => print(memberList(response)),
    memberUpdate: (_id, response) => print(memberList(response)),
    memberPromote: (_id, response) => print(memberList(response)),
    moveLeader: (_from, _to, response) => print({ header: header(response.header) }),
    downgrade: (_action, response) => print({ header: header(response.header), version: nonZero(response.version) }),
    alarm: ({ header: from, alarms }) => {
      const list = alarms.map(({ memberID, alarm }) => ({ memberID: nonZero(memberID), alarm: nonZero(alarm) }));
      print({ header: header(from), alarms: nonZero(list) });
    },
    endpointHealth: (list) =>
      print(
        list.map(({ endpoint, healthy, took, error }) => ({ endpoint, health: healthy, took, error: nonZero(error) })),
      ),
    endpointStatus: (list) => print(list.map((one) => ({ Endpoint: one.endpoint, Status: status(one.status) }))),
    endpointHashKv: (list) =>
      print(
        list.map(({ endpoint, hashKv }) => ({
          Endpoint: endpoint,
          HashKV: {
            header: header(hashKv.header),
            hash: nonZero(hashKv.hash),
            compact_revision: nonZero(hashKv.compact_revision),
          },
        })),
      ),
  };
}

function header(from: ResponseHeader | undefined): GoJsonValue | undefined {
  if (from === undefined) return undefined;
  return {
    cluster_id: nonZero(from.cluster_id),
    member_id: nonZero(from.member_id),
    revision: nonZero(from.revision),
    raft_term: nonZero(from.raft_term),
  };
}

function keyValue(kv: KeyValue): GoJsonValue {
  return {
    key: nonZero(kv.key),
    create_revision: nonZero(kv.create_revision),
    mod_revision: nonZero(kv.mod_revision),
    version: nonZero(kv.version),
    value: nonZero(kv.value),
    lease: nonZero(kv.lease),
  };
}

function range(from: RangeResponse): GoJsonValue {
  return {
    header: header(from.header),
    kvs: nonZero(from.kvs.map(keyValue)),
    more: nonZero(from.more),
    count: nonZero(from.count),
  };
}

function put(from: PutResponse): GoJsonValue {
  return { header: header(from.header), prev_kv: from.prev_kv === undefined ? undefined : keyValue(from.prev_kv) };
}

function deleteRange(from: DeleteRangeResponse): GoJsonValue {
  return {
    header: header(from.header),
    deleted: nonZero(from.deleted),
    prev_kvs: nonZero(from.prev_kvs.map(keyValue)),
  };
}

function txn(from: TxnResponse): GoJsonValue {
  return {
    header: header(from.header),
    succeeded: nonZero(from.succeeded),
    responses: nonZero(from.responses.map((response) => ({ Response: operation(response) }))),
  };
}

/** Go wraps the members of a oneof in a struct of their own, hence the `Response` around this. */
function operation(from: ResponseOp): GoJsonValue {
  if (from.response_range !== undefined) return { response_range: range(from.response_range) };
  if (from.response_put !== undefined) return { response_put: put(from.response_put) };
  if (from.response_delete_range !== undefined)
    return { response_delete_range: deleteRange(from.response_delete_range) };
  if (from.response_txn !== undefined) return { response_txn: txn(from.response_txn) };
  return null;
}

/** Upstream prints a struct of its client: capital names, and zeros where they stand. */
function watch(from: WatchResponse): GoJsonValue {
  return {
    Header: header(from.header ?? ResponseHeader.create()),
    Events: from.header === undefined ? null : from.events.map(event),
    CompactRevision: from.compact_revision,
    Canceled: from.canceled,
    Created: from.created,
  };
}

function event({ type, kv, prev_kv }: Event): GoJsonValue {
  return {
    type: nonZero(type),
    kv: kv === undefined ? undefined : keyValue(kv),
    prev_kv: prev_kv === undefined ? undefined : keyValue(prev_kv),
  };
}

function memberList(from: Pick<MemberListResponse, 'header' | 'members'>): GoJsonValue {
  return { header: header(from.header), members: nonZero(from.members.map(member)) };
}

function member({ ID, name, peerURLs, clientURLs, isLearner }: Member): GoJsonValue {
  return {
    ID: nonZero(ID),
    name: nonZero(name),
    peerURLs: nonZero(peerURLs),
    clientURLs: nonZero(clientURLs),
    isLearner: nonZero(isLearner),
  };
}

/** 3.5 builds this form by hand: fixed members, `clientURLS` misspelt, no learner mark. */
function memberListInHex({ header: from, members }: MemberListResponse): GoJsonValue {
  return {
    header: {
      cluster_id: (from?.cluster_id ?? 0n).toString(16),
      member_id: (from?.member_id ?? 0n).toString(16),
      raft_term: from?.raft_term ?? 0,
    },
    members: members.map((member) => ({
      ID: member.ID.toString(16),
      name: member.name,
      peerURLs: member.peerURLs.length === 0 ? null : member.peerURLs,
      clientURLS: member.clientURLs.length === 0 ? null : member.clientURLs,
    })),
  };
}

function status(from: StatusResponse): GoJsonValue {
  return {
    header: header(from.header),
    version: nonZero(from.version),
    dbSize: nonZero(from.dbSize),
    leader: nonZero(from.leader),
    raftIndex: nonZero(from.raftIndex),
    raftTerm: nonZero(from.raftTerm),
    raftAppliedIndex: nonZero(from.raftAppliedIndex),
    errors: nonZero(from.errors),
    dbSizeInUse: nonZero(from.dbSizeInUse),
    isLearner: nonZero(from.isLearner),
  };
}
