import { expect, test } from 'vitest';
import { type AccessRecord, compareAccess } from './access.ts';

const record = (change: Partial<AccessRecord> = {}): AccessRecord => ({
  enabled: true,
  authRevision: 7,
  users: new Map([['ada', ['reader']]]),
  roles: new Map([['reader', ['read a to b']]]),
  alarms: [],
  ...change,
});

test('what is as it was gives no difference', () => {
  expect(compareAccess(record(), record())).toEqual([]);
});

test.each<[string, Partial<AccessRecord>, string]>([
  ['authentication', { enabled: false }, 'authentication is off'],
  ['a change', { authRevision: 5 }, 'auth revision 5 instead of 7'],
  ['a user that is gone', { users: new Map() }, 'user ada is missing'],
  ['a user too many', { users: new Map([...record().users, ['eve', []]]) }, 'user eve is too many'],
  ['the roles of a user', { users: new Map([['ada', []]]) }, 'user ada has nothing instead of reader'],
  [
    'what a role permits',
    { roles: new Map([['reader', ['readwrite a']]]) },
    'role reader has readwrite a instead of read a to b',
  ],
])('%s is told by name', (_, change, line) => {
  expect(compareAccess(record(), record(change))).toEqual([line]);
});
