/** Users and roles in every output format (contract: cli §5). */
import { type GoJsonValue, goJson } from '../../base/go-json.ts';
import { nonZero, quote } from '../../cli/go-text.ts';
import type { CliIo } from '../../cli/io.ts';
import { type Permission, Permission_Type } from '../../proto/gen/auth.ts';
import {
  AuthRoleGetResponse,
  AuthRoleListResponse,
  AuthStatusResponse,
  AuthUserAddResponse,
  AuthUserGetResponse,
  AuthUserListResponse,
  type ResponseHeader,
} from '../../proto/gen/rpc.ts';
import { prefixEnd } from '../key-range.ts';
import { unsupported } from './printer.ts';

/** A response that says no more than that it is done. */
type Done = { header?: ResponseHeader | undefined };

export interface AuthPrinter {
  status(response: AuthStatusResponse): void;
  /** @param text what people read */
  done(response: Done, text: string | Buffer): void;
  userGet(name: string, response: AuthUserGetResponse): void;
  userList(response: AuthUserListResponse): void;
  roleGet(name: string, response: AuthRoleGetResponse): void;
  roleList(response: AuthRoleListResponse): void;
}

export function simpleAuth(io: CliIo): AuthPrinter {
  const print = (text: string | Buffer): void => void io.stdout.write(text);
  const granting = (perm: readonly Permission[], type: Permission_Type): void => {
    for (const each of perm) {
      if (each.permType === type || each.permType === Permission_Type.READWRITE) print(permissionLine(each));
    }
  };
  return {
    status: ({ enabled, authRevision }) => print(`Authentication Status: ${enabled}\nAuthRevision: ${authRevision}\n`),
    done: (_response, text) => print(text),
    userGet: (name, { roles }) => print(`User: ${name}\nRoles:${roles.map((role) => ` ${role}`).join('')}\n`),
    userList: ({ users }) => print(users.map((user) => `${user}\n`).join('')),
    roleGet(name, { perm }) {
      print(`Role ${name}\nKV Read:\n`);
      granting(perm, Permission_Type.READ);
      print('KV Write:\n');
      granting(perm, Permission_Type.WRITE);
    },
    roleList: ({ roles }) => print(roles.map((role) => `${role}\n`).join('')),
  };
}

function permissionLine({ key, range_end }: Permission): Buffer {
  if (range_end.length === 0) return Buffer.concat([Buffer.from('\t'), key, Buffer.from('\n')]);
  const isPrefix = key.length > 0 && prefixEnd(key).equals(range_end);
  const note = isPrefix ? [Buffer.from(' (prefix '), key, Buffer.from(')')] : [];
  return Buffer.concat([Buffer.from('\t'), rangeText(key, range_end), ...note, Buffer.from('\n')]);
}

/** A range as upstream writes it; one without an end keeps its bracket open. */
export function rangeText(key: Uint8Array, rangeEnd: Uint8Array): Buffer {
  const isOpenEnded = rangeEnd.length === 1 && rangeEnd[0] === 0;
  const end = isOpenEnded ? [Buffer.from('<open ended>')] : [rangeEnd, Buffer.from(')')];
  return Buffer.concat([Buffer.from('['), key, Buffer.from(', '), ...end]);
}

export function jsonAuth(io: CliIo): AuthPrinter {
  const print = (header: ResponseHeader | undefined, rest: { [name: string]: GoJsonValue | undefined } = {}): void =>
    void io.stdout.write(`${goJson({ header: headerMembers(header), ...rest })}\n`);
  return {
    status: ({ header, enabled, authRevision }) =>
      print(header, { enabled: nonZero(enabled), authRevision: nonZero(authRevision) }),
    done: ({ header }) => print(header),
    userGet: (_name, { header, roles }) => print(header, { roles: nonZero(roles) }),
    userList: ({ header, users }) => print(header, { users: nonZero(users) }),
    roleGet: (_name, { header, perm }) => {
      const members = perm.map(({ permType, key, range_end }) => ({
        permType: nonZero(permType),
        key: nonZero(key),
        range_end: nonZero(range_end),
      }));
      print(header, { perm: nonZero(members) });
    },
    roleList: ({ header, roles }) => print(header, { roles: nonZero(roles) }),
  };
}

export function fieldsAuth(io: CliIo): AuthPrinter {
  const field = (name: string, value: string | number | bigint): void => void io.stdout.write(`"${name}" : ${value}\n`);
  const printHeader = ({ header }: Done): void => {
    field('ClusterID', header?.cluster_id ?? 0n);
    field('MemberID', header?.member_id ?? 0n);
    field('Revision', header?.revision ?? 0);
    field('RaftTerm', header?.raft_term ?? 0);
  };
  const refuse = (): never => unsupported('fields');
  return {
    status: refuse,
    done: printHeader,
    userGet: refuse,
    userList: refuse,
    roleGet(_name, response) {
      printHeader(response);
      for (const { permType, key, range_end } of response.perm) {
        // Upstream prints two spaces here.
        field('PermType', ` ${permissionTypeName(permType)}`);
        field('Key', quote(key));
        field('RangeEnd', quote(range_end));
      }
    },
    roleList(response) {
      printHeader(response);
      io.stdout.write(`"Roles" :${response.roles.map((role) => ` ${quote(role)}`).join('')}\n`);
    },
  };
}

function permissionTypeName(type: Permission_Type): string {
  return Object.entries(Permission_Type).find(([, value]) => value === type)?.[0] ?? String(type);
}

export function protobufAuth(io: CliIo): AuthPrinter {
  const print = (bytes: Uint8Array): void => void io.stdout.write(bytes);
  return {
    status: (response) => print(AuthStatusResponse.encode(response)),
    // All of them are a header and nothing else.
    done: ({ header }) => print(AuthUserAddResponse.encode({ header })),
    userGet: (_name, response) => print(AuthUserGetResponse.encode(response)),
    userList: (response) => print(AuthUserListResponse.encode(response)),
    roleGet: (_name, response) => print(AuthRoleGetResponse.encode(response)),
    roleList: (response) => print(AuthRoleListResponse.encode(response)),
  };
}

export function tableAuth(): AuthPrinter {
  const refuse = (): never => unsupported('table');
  return { status: refuse, done: refuse, userGet: refuse, userList: refuse, roleGet: refuse, roleList: refuse };
}

function headerMembers(header: ResponseHeader | undefined): GoJsonValue | undefined {
  if (header === undefined) return undefined;
  return {
    cluster_id: nonZero(header.cluster_id),
    member_id: nonZero(header.member_id),
    revision: nonZero(header.revision),
    raft_term: nonZero(header.raft_term),
  };
}
