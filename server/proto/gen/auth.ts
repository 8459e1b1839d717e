// Generated from auth.proto by scripts/generate-proto.ts. Edit that, then run "npm run generate".
import { Reader, encodeWith, type ProtoCodec, type Writer } from '../wire.ts';

const empty = new Uint8Array(0);

export interface UserAddOptions {
  no_password: boolean;
}

function createUserAddOptions(): UserAddOptions {
  return {
    no_password: false,
  };
}

export function writeUserAddOptions(w: Writer, m: UserAddOptions): void {
  if (!(!m.no_password)) { w.uint32(8); w.bool(m.no_password); }
}

export function decodeUserAddOptions(r: Reader): UserAddOptions {
  const m = createUserAddOptions();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.no_password = r.bool();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const UserAddOptions: ProtoCodec<UserAddOptions> = {
  create: (init) => (init === undefined ? createUserAddOptions() : { ...createUserAddOptions(), ...init }),
  encode: (message) => encodeWith((w) => writeUserAddOptions(w, message)),
  decode: (bytes) => decodeUserAddOptions(new Reader(bytes)),
};

export interface User {
  name: Uint8Array;
  password: Uint8Array;
  roles: string[];
  options?: UserAddOptions | undefined;
}

function createUser(): User {
  return {
    name: empty,
    password: empty,
    roles: [],
    options: undefined,
  };
}

export function writeUser(w: Writer, m: User): void {
  if (!(m.name.length === 0)) { w.uint32(10); w.bytes(m.name); }
  if (!(m.password.length === 0)) { w.uint32(18); w.bytes(m.password); }
  for (const v of m.roles) { w.uint32(26); w.string(v); }
  if (m.options !== undefined) { w.uint32(34); { const s = w.open(); writeUserAddOptions(w, m.options); w.close(s); } }
}

export function decodeUser(r: Reader): User {
  const m = createUser();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.name = r.bytes();
        break;
      case 18:
        m.password = r.bytes();
        break;
      case 26:
        m.roles.push(r.string());
        break;
      case 34:
        m.options = r.message(decodeUserAddOptions);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const User: ProtoCodec<User> = {
  create: (init) => (init === undefined ? createUser() : { ...createUser(), ...init }),
  encode: (message) => encodeWith((w) => writeUser(w, message)),
  decode: (bytes) => decodeUser(new Reader(bytes)),
};

export const Permission_Type = {
  READ: 0,
  WRITE: 1,
  READWRITE: 2,
} as const;
export type Permission_Type = (typeof Permission_Type)[keyof typeof Permission_Type];

export interface Permission {
  permType: Permission_Type;
  key: Uint8Array;
  range_end: Uint8Array;
}

function createPermission(): Permission {
  return {
    permType: 0,
    key: empty,
    range_end: empty,
  };
}

export function writePermission(w: Writer, m: Permission): void {
  if (!(m.permType === 0)) { w.uint32(8); w.int32(m.permType); }
  if (!(m.key.length === 0)) { w.uint32(18); w.bytes(m.key); }
  if (!(m.range_end.length === 0)) { w.uint32(26); w.bytes(m.range_end); }
}

export function decodePermission(r: Reader): Permission {
  const m = createPermission();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.permType = r.int32() as Permission_Type;
        break;
      case 18:
        m.key = r.bytes();
        break;
      case 26:
        m.range_end = r.bytes();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const Permission: ProtoCodec<Permission> = {
  create: (init) => (init === undefined ? createPermission() : { ...createPermission(), ...init }),
  encode: (message) => encodeWith((w) => writePermission(w, message)),
  decode: (bytes) => decodePermission(new Reader(bytes)),
};

export interface Role {
  name: Uint8Array;
  keyPermission: Permission[];
}

function createRole(): Role {
  return {
    name: empty,
    keyPermission: [],
  };
}

export function writeRole(w: Writer, m: Role): void {
  if (!(m.name.length === 0)) { w.uint32(10); w.bytes(m.name); }
  for (const v of m.keyPermission) { w.uint32(18); { const s = w.open(); writePermission(w, v); w.close(s); } }
}

export function decodeRole(r: Reader): Role {
  const m = createRole();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.name = r.bytes();
        break;
      case 18:
        m.keyPermission.push(r.message(decodePermission));
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const Role: ProtoCodec<Role> = {
  create: (init) => (init === undefined ? createRole() : { ...createRole(), ...init }),
  encode: (message) => encodeWith((w) => writeRole(w, message)),
  decode: (bytes) => decodeRole(new Reader(bytes)),
};
