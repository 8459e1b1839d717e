/** `-w simple`: what people and shell scripts read (contract: cli §2, §4). */
import { quote } from '../../cli/go-text.ts';
import type { CliIo } from '../../cli/io.ts';
import type { KeyValue } from '../../proto/gen/kv.ts';
import type { ResponseOp } from '../../proto/gen/rpc.ts';
import { simpleAuth } from './auth.ts';
import { alarmName, eventTypeName, hashKvRows, memberRows, type Rows, statusRows } from './columns.ts';
import { simpleLeases } from './lease.ts';
import type { Printer } from './printer.ts';

export interface SimpleOptions {
  /** Byte strings as `\x66\x6f\x6f`. */
  readonly hex: boolean;
  /** `get` prints no keys. */
  readonly valueOnly: boolean;
}

export function simplePrinter(io: CliIo, { hex, valueOnly }: SimpleOptions): Printer {
  const print = (text: string): void => void io.stdout.write(text);
  const line = (bytes: Uint8Array): Buffer => Buffer.concat([hex ? hexEscaped(bytes) : bytes, Buffer.from('\n')]);
  const printKeyValues = (kvs: readonly KeyValue[], withKeys = true): void => {
    if (kvs.length === 0) return;
    io.stdout.write(
      Buffer.concat(kvs.flatMap(({ key, value }) => (withKeys ? [line(key), line(value)] : [line(value)]))),
    );
  };
  const printRows = ({ rows }: Rows): void => {
    for (const row of rows) print(`${row.join(', ')}\n`);
  };

  const printer: Printer = {
    get({ kvs }) {
      printKeyValues(kvs, !valueOnly);
    },
    put({ prev_kv }) {
      print('OK\n');
      if (prev_kv !== undefined) printKeyValues([prev_kv]);
    },
    del({ deleted, prev_kvs }) {
      print(`${deleted}\n`);
      printKeyValues(prev_kvs);
    },
    txn({ succeeded, responses }) {
      print(succeeded ? 'SUCCESS\n' : 'FAILURE\n');
      for (const response of responses) {
        print('\n');
        printOp(printer, response);
      }
    },
    lease: simpleLeases(io),
    auth: simpleAuth(io),
    watch({ events }) {
      for (const event of events) {
        print(`${eventTypeName(event)}\n`);
        printKeyValues([event.prev_kv, event.kv].filter((kv) => kv !== undefined));
      }
    },
    memberList: (response) => printRows(memberRows(response)),
    memberAdd({ header, member, members }, name, peerUrls) {
      print(`Member ${paddedId(member?.ID)} added to cluster ${paddedId(header?.cluster_id)}\n\n`);
      const urls = members.flatMap((each) =>
        each.peerURLs.map((url) => `${each.ID === member?.ID ? name : each.name}=${url}`),
      );
      print(`ETCD_NAME=${quote(name)}\n`);
      print(`ETCD_INITIAL_CLUSTER=${quote(urls.join(','))}\n`);
      print(`ETCD_INITIAL_ADVERTISE_PEER_URLS=${quote(peerUrls)}\n`);
      print('ETCD_INITIAL_CLUSTER_STATE="existing"\n');
    },
    memberRemove: (id, { header }) =>
      print(`Member ${paddedId(id)} removed from cluster ${paddedId(header?.cluster_id)}\n`),
    memberUpdate: (id, { header }) =>
      print(`Member ${paddedId(id)} updated in cluster ${paddedId(header?.cluster_id)}\n`),
    memberPromote: (id, { header }) =>
      print(`Member ${paddedId(id)} promoted in cluster ${paddedId(header?.cluster_id)}\n`),
    moveLeader: (from, to) => print(`Leadership transferred from ${from.toString(16)} to ${to.toString(16)}\n`),
    downgrade: (action, { version }) => print(`Downgrade ${action} success, cluster version ${version}\n`),
    alarm({ alarms }) {
      // The text form of the message, with the space that Go's printer leaves behind each field.
      for (const { memberID, alarm } of alarms) print(`memberID:${memberID} alarm:${alarmName(alarm)} \n`);
    },
    endpointHealth(list) {
      for (const { endpoint, healthy, took, error } of list) {
        if (healthy) print(`${endpoint} is healthy: successfully committed proposal: took = ${took}\n`);
        else io.stderr.write(`${endpoint} is unhealthy: failed to commit proposal: ${error}\n`);
      }
    },
    endpointStatus: (list) => printRows(statusRows(list)),
    endpointHashKv: (list) => printRows(hashKvRows(list)),
  };
  return printer;
}

/** As wide as the longest id. */
function paddedId(id = 0n): string {
  return id.toString(16).padStart(16);
}

function hexEscaped(bytes: Uint8Array): Buffer {
  return Buffer.from(Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(''));
}

/** Prints the answer to one operation of a transaction as the command of that name would. */
export function printOp(printer: Printer, response: ResponseOp): void {
  if (response.response_range !== undefined) printer.get(response.response_range);
  else if (response.response_put !== undefined) printer.put(response.response_put);
  else if (response.response_delete_range !== undefined) printer.del(response.response_delete_range);
  else if (response.response_txn !== undefined) printer.txn(response.response_txn);
}
