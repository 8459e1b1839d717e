/** The buckets `auth`, `authUsers` and `authRoles` (contract: disk-and-peer §5), all of them held in memory, too. */
import type { Backend, BucketName } from '../backend/backend.ts';
import { Role, User } from '../proto/gen/auth.ts';

const enabledKey = Buffer.from('authEnabled');
const revisionKey = Buffer.from('authRevision');
const fromTheStart = new Uint8Array(0);

/** What of a user does not change with time is its key. */
export type UserRecord = Readonly<Omit<User, 'name'>>;
export type Permissions = Role['keyPermission'];

export class AuthRecords {
  private readonly backend: Backend;
  private readonly users = new Map<string, UserRecord>();
  private readonly roles = new Map<string, Permissions>();
  private isEnabled = false;
  private storedRevision = 0;

  constructor(backend: Backend) {
    this.backend = backend;
  }

  /** @throws Error naming the record that is damaged */
  restore(): void {
    this.isEnabled = this.backend.get('auth', enabledKey)?.[0] === 1;
    const revision = this.backend.get('auth', revisionKey);
    if (revision !== undefined) this.storedRevision = Number(Buffer.from(revision).readBigUInt64BE(0));
    this.restoreAll('authUsers', (name, value) => {
      const { name: _, ...rest } = User.decode(value);
      this.users.set(name, rest);
    });
    this.restoreAll('authRoles', (name, value) => {
      this.roles.set(name, Role.decode(value).keyPermission);
    });
  }

  get enabled(): boolean {
    return this.isEnabled;
  }

  set enabled(enabled: boolean) {
    this.isEnabled = enabled;
    this.backend.put('auth', enabledKey, Buffer.of(enabled ? 1 : 0));
  }

  /** 0 in a database that has never had one. */
  get revision(): number {
    return this.storedRevision;
  }

  set revision(revision: number) {
    this.storedRevision = revision;
    const value = Buffer.alloc(8);
    value.writeBigUInt64BE(BigInt(revision));
    this.backend.put('auth', revisionKey, value);
  }

  user(name: string): UserRecord | undefined {
    return this.users.get(name);
  }

  putUser(name: string, user: UserRecord): void {
    this.users.set(name, user);
    const key = Buffer.from(name);
    this.backend.put('authUsers', key, User.encode({ ...user, name: key }));
  }

  deleteUser(name: string): void {
    this.users.delete(name);
    this.backend.delete('authUsers', Buffer.from(name));
  }

  role(name: string): Permissions | undefined {
    return this.roles.get(name);
  }

  putRole(name: string, keyPermission: Permissions): void {
    this.roles.set(name, keyPermission);
    const key = Buffer.from(name);
    this.backend.put('authRoles', key, Role.encode({ name: key, keyPermission }));
  }

  deleteRole(name: string): void {
    this.roles.delete(name);
    this.backend.delete('authRoles', Buffer.from(name));
  }

  /** In the order of their names' bytes, as the bucket has them. */
  userNames(): string[] {
    return inByteOrder(this.users.keys());
  }

  /** As `userNames`. */
  roleNames(): string[] {
    return inByteOrder(this.roles.keys());
  }

  private restoreAll(bucket: BucketName, take: (name: string, value: Uint8Array) => void): void {
    this.backend.scan(bucket, fromTheStart, undefined, (key, value) => {
      const name = Buffer.from(key).toString();
      try {
        // A copy: what is decoded must outlive the backend's next change.
        take(name, Buffer.from(value));
      } catch (cause) {
        const problem = (cause as Error).message;
        throw new Error(`the record of "${name}" in the bucket ${bucket} is damaged: ${problem}`, { cause });
      }
    });
  }
}

function inByteOrder(names: Iterable<string>): string[] {
  return Array.from(names, (name) => Buffer.from(name))
    .sort(Buffer.compare)
    .map(String);
}
