/** `-w table`: for lists of members and endpoints only (contract: cli §1.5). */
import { boxTable } from '../../cli/box-table.ts';
import type { CliIo } from '../../cli/io.ts';
import { tableAuth } from './auth.ts';
import { hashKvRows, healthRows, memberRows, type Rows, statusRows } from './columns.ts';
import { tableLeases } from './lease.ts';
import { type Printer, unsupported } from './printer.ts';

export function tablePrinter(io: CliIo): Printer {
  const print = ({ header, rows }: Rows): void => void io.stdout.write(boxTable(header, rows));
  const refuse = (): never => unsupported('table');
  return {
    get: refuse,
    put: refuse,
    del: refuse,
    txn: refuse,
    lease: tableLeases(),
    auth: tableAuth(),
    watch: refuse,
    memberList: (response) => print(memberRows(response)),
    memberAdd: refuse,
    memberRemove: refuse,
    memberUpdate: refuse,
    memberPromote: refuse,
    moveLeader: refuse,
    downgrade: refuse,
    alarm: refuse,
    endpointHealth: (list) => print(healthRows(list)),
    endpointStatus: (list) => print(statusRows(list)),
    endpointHashKv: (list) => print(hashKvRows(list)),
  };
}
