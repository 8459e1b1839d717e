/** Logins, and what clients ask about users and roles: passwords are turned into hashes before the log sees them. */
import { type AuthStore, isWithoutPassword, type PasswordHasher } from '../auth/mod.ts';
import type { Logger } from '../base/logger.ts';
import { errAuthFailed, errAuthNotEnabled, errAuthOldRevision, errNoPasswordUser } from '../errors/etcd-error.ts';
import type { InternalRaftRequest } from '../proto/gen/raft_internal.ts';
import type {
  AuthenticateRequest,
  AuthenticateResponse,
  AuthUserAddRequest,
  AuthUserAddResponse,
  AuthUserChangePasswordRequest,
  AuthUserChangePasswordResponse,
  ResponseHeader,
} from '../proto/gen/rpc.ts';
import type { AccountKind, AccountMember, Caller } from './etcd-member.ts';

/** Changes of the user's password that a login may meet on its way before it is given up. */
const maxLoginAttempts = 10;

type Answer = { header?: ResponseHeader | undefined };

export interface AccountsOptions {
  auth(): AuthStore;
  passwords: PasswordHasher;
  /** The binary logarithm of the rounds of bcrypt, as `passwords` has it. */
  bcryptCost: number;
  /** Settles when what is committed by now is applied here. */
  catchUp(): Promise<void>;
  /** Proposes a request in the name of whoever sends it, and answers it. */
  write<T extends Answer>(request: Partial<InternalRaftRequest>, caller: Caller | undefined): Promise<T>;
  log: Logger;
}

export class Accounts implements AccountMember {
  private readonly options: AccountsOptions;
  /** A hash that no password has: an unknown user is refused as slowly as a wrong password. */
  private readonly decoy: string;

  constructor(options: AccountsOptions) {
    this.options = options;
    this.decoy = `$2a$${String(options.bcryptCost).padStart(2, '0')}$${'.'.repeat(53)}`;
  }

  /** @throws EtcdError */
  async authenticate({ name, password }: AuthenticateRequest): Promise<AuthenticateResponse> {
    const { auth, catchUp, write } = this.options;
    await catchUp();
    for (let attempt = 1; attempt <= maxLoginAttempts; attempt++) {
      const checked = await this.checkPassword(name, password);
      const authenticate = { name, password: '', simple_token: auth().newTokenPrefix() };
      const response = await write<AuthenticateResponse>({ authenticate }, undefined);
      // Else the password was changed between the look at it and the log. No other change matters: a hash takes so long
      // that where roles change all the time nobody would ever log in.
      const now = auth().user(name)?.password;
      if (now !== undefined && Buffer.compare(now, checked) === 0) return response;
    }
    throw errAuthOldRevision();
  }

  /** @throws EtcdError */
  async addUser(request: AuthUserAddRequest, caller?: Caller): Promise<AuthUserAddResponse> {
    const { passwords, write } = this.options;
    const hashedPassword = request.options?.no_password ? '' : base64(await passwords.hash(request.password));
    return write({ auth_user_add: { ...request, password: '', hashedPassword } }, caller);
  }

  /** @throws EtcdError */
  async changePassword(
    request: AuthUserChangePasswordRequest,
    caller?: Caller,
  ): Promise<AuthUserChangePasswordResponse> {
    const { passwords, write } = this.options;
    const { password } = request;
    if (password === '') return write({ auth_user_change_password: request }, caller);
    const hashedPassword = base64(await passwords.hash(password));
    return write({ auth_user_change_password: { ...request, password: '', hashedPassword } }, caller);
  }

  /** @throws EtcdError */
  ask<T extends Answer>(request: Pick<Partial<InternalRaftRequest>, AccountKind>, caller?: Caller): Promise<T> {
    return this.options.write<T>(request, caller);
  }

  /** @returns the user's hash, which the password was right for */
  private async checkPassword(name: string, password: string): Promise<Uint8Array> {
    const auth = this.options.auth();
    if (!auth.enabled) throw errAuthNotEnabled();
    const user = auth.user(name);
    if (user !== undefined && isWithoutPassword(user)) throw this.refused(name, errNoPasswordUser());
    const hash = user === undefined ? this.decoy : Buffer.from(user.password).toString('latin1');
    const isMatch = await this.options.passwords.isMatch(password, hash);
    if (!isMatch || user === undefined) throw this.refused(name, errAuthFailed());
    return user.password;
  }

  private refused(name: string, error: Error): Error {
    this.options.log.warn('invalid authentication request', { 'user-name': name, error: error.message });
    return error;
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
