/** `-w fields`: one `"Name" : value` a line (contract: cli §1.5). */
import { quote } from '../../cli/go-text.ts';
import type { CliIo } from '../../cli/io.ts';
import type { KeyValue } from '../../proto/gen/kv.ts';
import type { ResponseHeader } from '../../proto/gen/rpc.ts';
import { fieldsAuth } from './auth.ts';
import { alarmName, eventTypeName } from './columns.ts';
import { fieldsLeases } from './lease.ts';
import { type Printer, unsupported } from './printer.ts';
import { printOp } from './simple.ts';

export function fieldsPrinter(io: CliIo): Printer {
  const field = (name: string, value: string | number | bigint | boolean): void =>
    void io.stdout.write(`"${name}" : ${value}\n`);
  const blankLine = (): void => void io.stdout.write('\n');
  const header = (from: ResponseHeader | undefined): void => {
    field('ClusterID', from?.cluster_id ?? 0n);
    field('MemberID', from?.member_id ?? 0n);
    field('Revision', from?.revision ?? 0);
    field('RaftTerm', from?.raft_term ?? 0);
  };
  const keyValue = (prefix: '' | 'Prev', kv: KeyValue): void => {
    field(`${prefix}Key`, quote(kv.key));
    field(`${prefix}CreateRevision`, kv.create_revision);
    field(`${prefix}ModRevision`, kv.mod_revision);
    field(`${prefix}Version`, kv.version);
    field(`${prefix}Value`, quote(kv.value));
    field(`${prefix}Lease`, kv.lease);
  };

  const refuse = (): never => unsupported('fields');

  const printer: Printer = {
    memberAdd: refuse,
    memberRemove: refuse,
    memberUpdate: refuse,
    memberPromote: refuse,
    moveLeader: refuse,
    downgrade: refuse,
    get(response) {
      header(response.header);
      for (const kv of response.kvs) keyValue('', kv);
      field('More', response.more);
      field('Count', response.count);
    },
    put(response) {
      header(response.header);
      if (response.prev_kv !== undefined) keyValue('Prev', response.prev_kv);
    },
    del(response) {
      header(response.header);
      field('Deleted', response.deleted);
      for (const kv of response.prev_kvs) keyValue('Prev', kv);
    },
    txn(response) {
      header(response.header);
      field('Succeeded', response.succeeded);
      for (const op of response.responses) printOp(printer, op);
    },
    lease: fieldsLeases(io),
    auth: fieldsAuth(io),
    watch(response) {
      header(response.header);
      for (const event of response.events) {
        field('Type', eventTypeName(event));
        if (event.prev_kv !== undefined) keyValue('Prev', event.prev_kv);
        if (event.kv !== undefined) keyValue('', event.kv);
      }
    },
    memberList(response) {
      header(response.header);
      for (const member of response.members) {
        field('ID', member.ID);
        field('Name', quote(member.name));
        for (const url of member.peerURLs) field('PeerURL', quote(url));
        for (const url of member.clientURLs) field('ClientURL', quote(url));
        field('IsLearner', member.isLearner);
        blankLine();
      }
    },
    alarm({ header: from, alarms }) {
      header(from);
      for (const { memberID, alarm } of alarms) {
        field('MemberID', memberID);
        field('AlarmType', alarmName(alarm));
        blankLine();
      }
    },
    endpointHealth(list) {
      for (const { endpoint, healthy, took, error } of list) {
        field('Endpoint', quote(endpoint));
        field('Health', healthy);
        field('Took', took);
        field('Error', error);
        blankLine();
      }
    },
    endpointStatus(list) {
      for (const { endpoint, status } of list) {
        header(status.header);
        field('Version', quote(status.version));
        field('DBSize', status.dbSize);
        field('Leader', status.leader);
        field('IsLearner', status.isLearner);
        field('RaftIndex', status.raftIndex);
        field('RaftTerm', status.raftTerm);
        field('RaftAppliedIndex', status.raftAppliedIndex);
        field('Errors', `[${status.errors.join(' ')}]`);
        field('Endpoint', quote(endpoint));
        blankLine();
      }
    },
    endpointHashKv(list) {
      for (const { endpoint, hashKv } of list) {
        header(hashKv.header);
        field('Endpoint', quote(endpoint));
        field('Hash', hashKv.hash);
        blankLine();
      }
    },
  };
  return printer;
}
