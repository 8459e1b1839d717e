/** Who may do what in a cluster: whether authentication is on, users, roles, and whom it turns away. */
import type { EtcdClient } from '../../server/client/mod.ts';
import { type Permission, Permission_Type } from '../../server/proto/gen/auth.ts';
import { AlarmType } from '../../server/proto/gen/rpc.ts';
import { type Check, judgeReading } from './check.ts';
import type { Observation, Reference } from './evidence.ts';
import { printableKey } from './key-space.ts';
import type { StrangersAnswer } from './refusal.ts';
import { shorten } from './words.ts';

/** As one member tells of it. Passwords are not shown by etcd, and so not compared. */
export interface AccessRecord {
  enabled: boolean;
  /** Counts changes; a restored cluster goes on from where the snapshot was. */
  authRevision: number;
  /** The roles of each user, sorted. */
  users: ReadonlyMap<string, readonly string[]>;
  /** What each role permits, one line each, sorted. */
  roles: ReadonlyMap<string, readonly string[]>;
  /** Alarms that are raised, by kind. */
  alarms: readonly string[];
}

/** Beyond this a drill would ask for minutes. */
const maxNames = 10_000;
const permissionNames: Readonly<Record<number, string>> = {
  [Permission_Type.READ]: 'read',
  [Permission_Type.WRITE]: 'write',
  [Permission_Type.READWRITE]: 'readwrite',
};

/**
 * Reads users, roles and alarms through one member. It answers from its own state.
 *
 * @throws RpcError; Error when there are more than 10,000 users or roles
 */
export async function readAccess(client: EtcdClient, endpoint: string, signal: AbortSignal): Promise<AccessRecord> {
  const options = { endpoint, signal, timeoutMs: 15_000 };
  const { enabled, authRevision } = await client.auth.status({}, options);
  const { users: userNames } = await client.auth.userList({}, options);
  const { roles: roleNames } = await client.auth.roleList({}, options);
  if (userNames.length + roleNames.length > maxNames) {
    throw new Error(`${endpoint} has more than ${maxNames} users and roles; a drill compares at most that many`);
  }
  const users = new Map<string, string[]>();
  for (const name of userNames) users.set(name, (await client.auth.userGet({ name }, options)).roles.toSorted());
  const roles = new Map<string, string[]>();
  for (const role of roleNames) {
    const { perm } = await client.auth.roleGet({ role }, options);
    roles.set(role, perm.map(describePermission).sort());
  }
  const { alarms } = await client.alarm({}, options);
  return { enabled, authRevision, users, roles, alarms: alarms.map(({ alarm }) => alarmName(alarm)).sort() };
}

/** @returns one line for each thing that is not as it must be */
export function compareAccess(expected: AccessRecord, found: AccessRecord): string[] {
  const lines: string[] = [];
  if (found.enabled !== expected.enabled) lines.push(`authentication is ${found.enabled ? 'on' : 'off'}`);
  if (found.authRevision !== expected.authRevision) {
    lines.push(`auth revision ${found.authRevision} instead of ${expected.authRevision}`);
  }
  lines.push(
    ...compareNames('user', expected.users, found.users),
    ...compareNames('role', expected.roles, found.roles),
  );
  return lines;
}

function compareNames(
  kind: string,
  expected: ReadonlyMap<string, readonly string[]>,
  found: ReadonlyMap<string, readonly string[]>,
): string[] {
  const names = [...new Set([...expected.keys(), ...found.keys()])].sort();
  return names.flatMap((name) => {
    const [want, got] = [expected.get(name), found.get(name)];
    if (want === undefined) return [`${kind} ${name} is too many`];
    if (got === undefined) return [`${kind} ${name} is missing`];
    const [wanted, seen] = [want.join(', ') || 'nothing', got.join(', ') || 'nothing'];
    return wanted === seen ? [] : [`${kind} ${name} has ${seen} instead of ${wanted}`];
  });
}

/** @returns the checks of users, roles and alarms, and, where authentication was on, of whom it refuses */
export function checkAccess({ access, refusal }: Reference, observation: Observation): Check[] {
  const { member } = observation;
  if (access === undefined) return [];
  const { enabled, users, roles, alarms } = access;
  const expected = `authentication ${enabled ? 'on' : 'off'}, ${users.size} users and ${roles.size} roles as recorded`;
  const checks = [
    judgeReading({ name: 'auth', member, expected }, observation.access, (found) => {
      const wrong = compareAccess(access, found);
      return { passed: wrong.length === 0, observed: wrong.length === 0 ? 'all as recorded' : shorten(wrong) };
    }),
    judgeReading(
      { name: 'alarms', member, expected: `alarms as recorded: ${alarms.join(', ') || 'none'}` },
      observation.access,
      (found) => ({
        passed: found.alarms.join() === alarms.join(),
        observed: found.alarms.join(', ') || 'none',
      }),
    ),
  ];
  if (refusal === undefined) return checks;
  const about = { name: 'auth-refusal', member, expected: `a client that is no user is refused: ${refusal}` };
  const judge = ({ isRefused, told }: StrangersAnswer) => ({ passed: isRefused && told === refusal, observed: told });
  return [...checks, judgeReading(about, observation.refusal, judge)];
}

function describePermission({ permType, key, range_end }: Permission): string {
  const [from, to] = [key, range_end].map((bytes) => Buffer.from(bytes).toString('latin1'));
  const kind = permissionNames[permType] ?? `permission ${permType}`;
  return `${kind} ${printableKey(from ?? '')}${to === '' ? '' : ` to ${printableKey(to ?? '')}`}`;
}

function alarmName(alarm: number): string {
  return Object.entries(AlarmType).find(([, value]) => value === alarm)?.[0] ?? `alarm ${alarm}`;
}
