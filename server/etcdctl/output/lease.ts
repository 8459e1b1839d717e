/** Leases in every output format (contract: cli §2 "lease"). */
import { type GoJsonValue, goJson } from '../../base/go-json.ts';
import { nonZero, quote } from '../../cli/go-text.ts';
import type { CliIo } from '../../cli/io.ts';
import {
  type LeaseGrantResponse,
  type LeaseKeepAliveResponse,
  type LeaseLeasesResponse,
  LeaseRevokeResponse,
  type LeaseTimeToLiveResponse,
  ResponseHeader,
} from '../../proto/gen/rpc.ts';
import { unsupported } from './printer.ts';

export interface LeasePrinter {
  grant(response: LeaseGrantResponse): void;
  revoke(id: bigint, response: LeaseRevokeResponse): void;
  /** @param withKeys whether the keys were asked for */
  timeToLive(response: LeaseTimeToLiveResponse, withKeys: boolean): void;
  list(response: LeaseLeasesResponse): void;
  keepAlive(response: LeaseKeepAliveResponse): void;
  /** The lease that was kept alive has ended. */
  ended(id: bigint): void;
}

/** Go's `%016x` of a signed number. */
export function leaseIdText(id: bigint): string {
  return id < 0n ? `-${(-id).toString(16).padStart(15, '0')}` : id.toString(16).padStart(16, '0');
}

export function simpleLeases(io: CliIo): LeasePrinter {
  const print = (line: string | Buffer): void => void io.stdout.write(line);
  return {
    grant: ({ ID, TTL }) => print(`lease ${leaseIdText(ID)} granted with TTL(${TTL}s)\n`),
    revoke: (id) => print(`lease ${leaseIdText(id)} revoked\n`),
    timeToLive({ ID, TTL, grantedTTL, keys }, withKeys) {
      if (grantedTTL === 0 && TTL === -1) {
        print(`lease ${leaseIdText(ID)} already expired\n`);
        return;
      }
      const life = `lease ${leaseIdText(ID)} granted with TTL(${grantedTTL}s), remaining(${TTL}s)`;
      if (withKeys) print(Buffer.concat([Buffer.from(`${life}, attached keys([`), joined(keys), Buffer.from('])\n')]));
      else print(`${life}\n`);
    },
    list({ leases }) {
      print(`found ${leases.length} leases\n`);
      for (const { ID } of leases) print(`${leaseIdText(ID)}\n`);
    },
    keepAlive: ({ ID, TTL }) => print(`lease ${leaseIdText(ID)} keepalived with TTL(${TTL})\n`),
    ended: (id) => print(`lease ${leaseIdText(id)} expired or revoked.\n`),
  };
}

/** Upstream prints structs of its client here: the header among the other members, and zeros where they stand. */
export function jsonLeases(io: CliIo): LeasePrinter {
  const print = (value: GoJsonValue): void => void io.stdout.write(`${goJson(value)}\n`);
  return {
    grant: ({ header, ID, TTL, error }) => print({ ...headerMembers(header), ID, TTL, Error: error }),
    revoke: (_id, { header }) => print({ header: headerMembers(header) }),
    timeToLive: ({ header, ID, TTL, grantedTTL, keys }) =>
      print({
        ...headerMembers(header),
        id: ID,
        ttl: TTL,
        'granted-ttl': grantedTTL,
        keys: keys.length === 0 ? null : keys,
      }),
    list: ({ header, leases }) => print({ ...headerMembers(header), leases: leases.map(({ ID }) => ({ id: ID })) }),
    keepAlive: ({ header, ID, TTL }) => print({ ...headerMembers(header), ID, TTL }),
    ended: () => undefined,
  };
}

export function fieldsLeases(io: CliIo): LeasePrinter {
  const field = (name: string, value: string | number | bigint): void => void io.stdout.write(`"${name}" : ${value}\n`);
  const header = (from: ResponseHeader | undefined): void => {
    field('ClusterID', from?.cluster_id ?? 0n);
    field('MemberID', from?.member_id ?? 0n);
    field('Revision', from?.revision ?? 0);
    field('RaftTerm', from?.raft_term ?? 0);
  };
  const life = (response: LeaseGrantResponse | LeaseKeepAliveResponse | LeaseTimeToLiveResponse): void => {
    header(response.header);
    field('ID', response.ID);
    field('TTL', response.TTL);
  };
  return {
    grant: life,
    revoke: (_id, response) => header(response.header),
    timeToLive(response) {
      life(response);
      field('GrantedTTL', response.grantedTTL);
      for (const key of response.keys) field('Key', quote(key));
    },
    list(response) {
      header(response.header);
      for (const { ID } of response.leases) field('ID', ID);
    },
    keepAlive: life,
    ended: () => undefined,
  };
}

/** Of its own structs upstream prints the header only. */
export function protobufLeases(io: CliIo): LeasePrinter {
  const header = (response: { header?: ResponseHeader | undefined }): void =>
    void io.stdout.write(ResponseHeader.encode(response.header ?? ResponseHeader.create()));
  return {
    grant: header,
    revoke: (_id, response) => void io.stdout.write(LeaseRevokeResponse.encode(response)),
    timeToLive: header,
    list: header,
    keepAlive: header,
    ended: () => undefined,
  };
}

export function tableLeases(): LeasePrinter {
  const refuse = (): never => unsupported('table');
  return { grant: refuse, revoke: refuse, timeToLive: refuse, list: refuse, keepAlive: refuse, ended: () => undefined };
}

function headerMembers(header: ResponseHeader | undefined): { [name: string]: GoJsonValue | undefined } {
  return {
    cluster_id: nonZero(header?.cluster_id ?? 0n),
    member_id: nonZero(header?.member_id ?? 0n),
    revision: nonZero(header?.revision ?? 0),
    raft_term: nonZero(header?.raft_term ?? 0),
  };
}

function joined(keys: readonly Uint8Array[]): Buffer {
  const space = Buffer.from(' ');
  return Buffer.concat(keys.flatMap((key, i) => (i === 0 ? [key] : [space, key])));
}
