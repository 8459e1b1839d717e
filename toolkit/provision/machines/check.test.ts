import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../lab/config-file.ts';
import { labNodes } from '../../lab/nodes.ts';
import { labPaths } from '../../lab/state.ts';
import { nextState } from '../up.ts';
import { judgeMachine } from './check.ts';
import { type MachineFacts, parseFacts } from './facts.ts';

const config = parseConfig(
  'provider: ssh\nssh: { user: lab }\nnodes: [{ name: a, address: 10.0.0.1 }, { name: b, address: 10.0.0.2 }]',
  'lab.yaml',
  '/',
);
const state = nextState(undefined, config);
const node = labNodes(state, labPaths('/nowhere', 'lab'))[0] as ReturnType<typeof labNodes>[number];

const good: MachineFacts = {
  ...parseFacts(
    [
      'Machine=x86_64',
      'System=Debian GNU/Linux 12 (bookworm)',
      'Systemd=252',
      'MemoryKiB=2097152',
      'FreeDiskBlocks=1048576 4096',
      'SyncNs=2000000',
      'Addresses=10.0.2.15 10.0.0.1 fe80::1',
      'HasLibatomic=yes',
      'Listener=0.0.0.0:22 users:(("sshd",pid=17,fd=3))',
      'Listener=[::1]:5432 ',
      'MemberPid=0',
      'UnitFile=',
    ].join('\n'),
  ),
  clockAheadMs: 30,
  clockErrorMs: 20,
};
const judge = (changes: Partial<MachineFacts>, known: typeof state | undefined = undefined) =>
  judgeMachine(node, { ...good, ...changes }, config, known).filter(({ severity }) => severity !== 'ok');

describe('a machine', () => {
  it('is read from what the script says', () => {
    expect(good).toMatchObject({
      architecture: 'x64',
      systemdVersion: 252,
      memoryMiB: 2048,
      freeDiskMiB: 4096,
      syncMs: 2,
      addresses: ['10.0.2.15', '10.0.0.1'],
      listeners: [
        { address: '0.0.0.0', port: 22, process: 'sshd (pid 17)', pid: 17 },
        { address: '[::1]', port: 5432, process: '' },
      ],
      hasData: false,
      isCut: false,
    });
  });

  it('will do if all is well', () => {
    expect(judge({})).toEqual([]);
  });

  it.each<[string, Partial<MachineFacts>, string]>([
    [
      'an architecture without executable',
      { architecture: undefined, machine: 'riscv64' },
      'no executable for riscv64',
    ],
    ['another init', { systemdVersion: 0 }, 'is not what started it'],
    ['a missing tool', { missingTools: ['gzip'] }, 'gzip is not there'],
    ['a missing library', { hasLibatomic: false }, 'libatomic.so.1 is not there'],
    ['an address that it has not', { addresses: ['10.0.2.15'] }, '10.0.0.1 is none of its addresses'],
    [
      'a port that is taken',
      { listeners: [{ address: '*', port: 2380, process: 'nginx (pid 9)', pid: 9 }] },
      'nginx (pid 9)',
    ],
    ['a clock far behind', { clockAheadMs: -600_000 }, '600.0 s behind this machine: certificates would not be valid'],
    [
      'a clock far ahead',
      { clockAheadMs: 11 * 86_400_000 },
      '950400.0 s ahead of this machine: certificates would end',
    ],
    ['little memory', { memoryMiB: 100 }, '100 MiB, 256 needed'],
    ['a full disk', { freeDiskMiB: 3 }, '3 MiB free'],
    ['a firewall', { silentPeers: ['10.0.0.2:2380'] }, 'no answer from 10.0.0.2:2380'],
    [
      'an etcd of a package that runs',
      { unitFile: '/lib/systemd/system/etcd.service', unitState: 'disabled', memberPid: 7 },
      'has an etcd service already',
    ],
    [
      'an etcd of a package that would run after the next reboot',
      { unitFile: '/lib/systemd/system/etcd.service', unitState: 'enabled' },
      'has an etcd service already',
    ],
    ['a unit that somebody wrote', { unitFile: '/etc/systemd/system/etcd.service' }, 'that no lab made: /etc/'],
    ['data of another etcd', { hasData: true }, 'has an etcd already that no lab made'],
    [
      'another lab',
      { record: { lab: 'x', node: 'n', createdAt: 't', madeUser: true, madeRoot: true } },
      "belongs to lab 'x'",
    ],
  ])('is refused for %s', (_, changes, found) => {
    expect(judge(changes)).toMatchObject([
      { severity: 'error', found: expect.stringContaining(found), advice: expect.stringMatching(/./) },
    ]);
  });

  it.each<[string, Partial<MachineFacts>]>([
    ['a clock that is a little off', { clockAheadMs: 5000 }],
    ['a clock ahead by less than a certificate is renewed early', { clockAheadMs: 600_000 }],
    ['a slow disk', { syncMs: 40 }],
    ['a network that cannot be cut', { missingTools: ['nft'] }],
    ['a cut', { isCut: true, silentPeers: ['10.0.0.2:2380'] }],
  ])('is warned of for %s', (_, changes) => {
    expect(judge(changes)).toMatchObject([{ severity: 'warning' }]);
  });

  it('may be as wrong about the time as the certificates of lab.yaml allow', () => {
    const clock = (clockAheadMs: number, certificates: Partial<typeof config.certificates>) =>
      judgeMachine(
        node,
        { ...good, clockAheadMs, clockErrorMs: 0 },
        { ...config, certificates: { ...config.certificates, ...certificates } },
        undefined,
      ).find(({ check }) => check === 'clock')?.severity;
    expect(clock(-60_000, { backdate: 10_000 })).toBe('error');
    expect(clock(-600_000, { backdate: 3_600_000 })).toBe('warning');
    expect(clock(60_000, { validity: 120_000 })).toBe('error');
    expect(clock(30_000, { validity: 120_000 })).toBe('warning');
  });

  it('may have the etcd of a package that is disabled and has no data', () => {
    expect(judge({ unitFile: '/lib/systemd/system/etcd.service', unitState: 'disabled' })).toEqual([]);
  });

  it('is not measured while a lab uses it', () => {
    expect(parseFacts('Machine=x86_64').syncMs).toBe(undefined);
    expect(judge({ syncMs: undefined })).toEqual([]);
  });

  it('knows its own lab, member and port again', () => {
    const record = { lab: state.name, node: 'a', createdAt: state.createdAt, madeUser: true, madeRoot: true };
    const listeners = [{ address: '10.0.0.1', port: 2379, process: 'etcd (pid 5)', pid: 5 }];
    const own = { record, listeners, memberPid: 5, hasData: true, unitFile: '/etc/systemd/system/etcd.service' };
    expect(judge(own, state)).toEqual([]);
    expect(judge({ record: { ...record, createdAt: 'earlier' } }, state)).toMatchObject([{ check: 'owner' }]);
  });

  it('needs no library for an engine that does not use it', () => {
    const upstream = { ...config, engine: { kind: 'upstream', path: '/opt/etcd' } } as const;
    const findings = judgeMachine(node, { ...good, hasLibatomic: false }, upstream, undefined);
    expect(findings.every(({ severity }) => severity === 'ok')).toBe(true);
  });
});
