import { beforeEach, expect, test } from 'vitest';
import type { AuthStore } from '../auth/mod.ts';
import { silentLogger } from '../base/logger.ts';
import type { InternalRaftRequest } from '../proto/gen/raft_internal.ts';
import { AuthenticateResponse } from '../proto/gen/rpc.ts';
import { Accounts } from './accounts.ts';

/** Passwords are their own hashes here. */
let password: string;
let revision: number;
let logins: number;
/** What others change while a password is looked at. */
let meanwhile: () => void;
let matches: (plain: string, hash: string) => boolean;

beforeEach(() => {
  password = 'secret';
  revision = 1;
  logins = 0;
  meanwhile = () => {};
  matches = (plain, hash) => plain === hash;
});

const auth = {
  enabled: true,
  get revision() {
    return revision;
  },
  user: () => ({ name: Buffer.from('alice'), password: Buffer.from(password), roles: [], options: undefined }),
  newTokenPrefix: () => 'prefix',
} as unknown as AuthStore;

const accounts = new Accounts({
  auth: () => auth,
  passwords: {
    hash: async (plain: string) => plain,
    isMatch: async (plain: string, hash: string) => {
      meanwhile();
      return matches(plain, hash);
    },
    close: async () => undefined,
  } as never,
  bcryptCost: 10,
  catchUp: async () => undefined,
  write: async <T>(_: Partial<InternalRaftRequest>) => AuthenticateResponse.create({ token: `token ${++logins}` }) as T,
  log: silentLogger,
});
const logIn = async () => (await accounts.authenticate({ name: 'alice', password: 'secret' })).token;

test('a login counts at once, however often roles and other users are changed meanwhile', async () => {
  meanwhile = () => {
    revision++;
  };
  expect(await logIn()).toBe('token 1');
});

test('a login whose password is changed meanwhile is looked at again, and refused', async () => {
  meanwhile = () => {
    password = 'another';
  };
  await expect(logIn()).rejects.toThrow('authentication failed, invalid user ID or password');
  expect(logins).toBe(1);
});

test('a login whose hash changes each time is given up', async () => {
  let changes = 0;
  meanwhile = () => {
    password = `secret${' '.repeat(++changes)}`;
  };
  matches = () => true;
  await expect(logIn()).rejects.toThrow('etcdserver: revision of auth store is old');
  expect(changes).toBe(10);
});
