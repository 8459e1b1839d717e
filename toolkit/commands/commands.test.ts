import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PastRun } from '../../drills/report/history.ts';
import type { CertificateListing } from '../provision/certificate-list.ts';
import type { Finding } from '../provision/preflight/mod.ts';
import type { ClusterStatus, MemberStatus } from '../provision/status.ts';
import { pruneCommand } from './backup.ts';
import { formatCertificates } from './certs/list.ts';
import { formatFindings } from './doctor.ts';
import { formatHistory } from './drill-history.ts';
import { formatEnvironment } from './env.ts';
import { formatStatus } from './status.ts';

describe('etcdlab env', () => {
  it('is taken by the shell as it is, whatever is in a path', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^([ -~äß]|['"$`\\]){0,30}$/), (value) => {
        const script = `${formatEnvironment({ ETCDCTL_CERT: value }, 'posix')}\nprintf %s "$ETCDCTL_CERT"`;
        expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' })).toBe(value);
      }),
      { numRuns: 25 },
    );
  });

  it('speaks other shells', () => {
    expect(formatEnvironment({ A: "it's a \\", B: '2' }, 'fish')).toBe("set -gx A 'it\\'s a \\\\'\nset -gx B '2'");
    expect(formatEnvironment({ A: "it's" }, 'powershell')).toBe("$env:A = 'it''s'");
  });
});

describe('etcdlab status', () => {
  it('shows every member, and what is wrong', () => {
    const report = {
      memberId: '8e9e05c52164694d',
      clusterId: 'cdf818194e3a8c32',
      leaderId: '8e9e05c52164694d',
      version: '3.5.30',
      dbSizeBytes: 20_480,
      raftTerm: 2,
      raftIndex: 9,
      revision: 1,
    };
    const status: ClusterStatus = {
      name: 'lab',
      healthy: false,
      members: [
        { node: 'node1', endpoint: 'https://a', process: 'running', pid: 7, report: { ...report, role: 'leader' } },
        { node: 'node2', endpoint: 'https://b', process: 'exited' },
      ],
      problems: ['node2 has ended by itself'],
    };
    expect(formatStatus({ ...status, engine: { kind: 'built-in' } })).toMatchInlineSnapshot(`
      "Lab 'lab' is NOT healthy. Engine: built-in, 3.5.30.

      NODE   PROCESS  ROLE    MEMBER ID         SIZE   REVISION  ENDPOINT
      node1  pid 7    leader  8e9e05c52164694d  20 kB  1         a
      node2  exited   -       -                 -      -         b

      node2 has ended by itself"
    `);
    const usual = { ...status.members[0], endpoint: 'https://127.0.0.1:22379', pid: 123_456 } as MemberStatus;
    const wide = { ...usual, report: { ...report, role: 'follower' as const } };
    for (const line of formatStatus({ ...status, members: [wide] }).split('\n')) {
      expect(line.length).toBeLessThanOrEqual(80);
    }
  });
});

describe('etcdlab backup prune', () => {
  it('names the command that removes just what it has shown', () => {
    expect(pruneCommand({})).toBe('etcdlab backup prune --yes');
    expect(pruneCommand({ keep: '1', keepDaily: '7' })).toBe('etcdlab backup prune --keep 1 --keep-daily 7 --yes');
  });
});

describe('etcdlab drill history', () => {
  const run = (change: Partial<PastRun> = {}): PastRun => ({
    drill: 'leader-killed-during-backup',
    runId: 'x',
    startedAt: '2026-11-20T08:15:00.000Z',
    engine: 'built-in',
    result: 'passed',
    rtoMs: 12_340,
    provenMs: 13_456,
    lostRevisions: 100,
    trend: -0.12,
    ...change,
  });

  it('fits into a terminal', () => {
    expect(formatHistory([run(), run({ drill: 'restore', result: 'failed' })])).toMatchInlineSnapshot(`
      "START (UTC)  DRILL                        RESULT  HEALTHY  PROVED  LOST  TREND
      11-20 08:15  leader-killed-during-backup  passed  12.3 s   13.5 s  100   -12 %
      11-20 08:15  restore                      failed  12.3 s   13.5 s  100   -12 %

      HEALTHY, PROVED: after the disaster. LOST: revisions. TREND: from the median.

      DRILL                        MEDIAN  HEALTHY OVER TIME
      leader-killed-during-backup  12.3 s  █"
    `);
    for (const line of formatHistory([run()]).split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('tells engines apart where there are several', () => {
    expect(formatHistory([run(), run({ engine: 'upstream' })])).toMatch(/ENGINE(.|\n)*built-in(.|\n)*upstream/);
  });
});

describe('etcdlab doctor', () => {
  it('shows what it found, the cure below each problem, and the count', () => {
    const findings: Finding[] = [
      { check: 'port-free', severity: 'error', subject: ':2379', found: 'in use by pid 7', advice: 'kill 7' },
      { check: 'disk-sync', severity: 'warning', subject: '/tmp', found: 'slow', advice: 'use an SSD' },
      { check: 'node-version', severity: 'ok', subject: 'Node.js', found: 'v26.10.0' },
    ];
    expect(formatFindings(findings)).toMatchInlineSnapshot(`
      "error    port-free        :2379: in use by pid 7
                                → kill 7
      warning  disk-sync        /tmp: slow
                                → use an SSD
      ok       node-version     Node.js: v26.10.0

      3 checks: 1 error, 1 warning"
    `);
  });
});

describe('etcdlab certs list', () => {
  it('shows when each certificate expires, and why one is no good', () => {
    const now = new Date('2026-11-20T12:00:00Z');
    const common = { algorithm: 'ecdsa-p256', subject: 'CN=node1', names: ['localhost', '127.0.0.1'] };
    const listing: CertificateListing[] = [
      { name: 'server-node1', status: 'ok', notAfter: new Date('2026-12-20T12:00:00Z'), ...common },
      {
        name: 'peer-node1',
        status: 'unusable',
        reason: 'has expired',
        notAfter: new Date('2026-11-20T11:00:00Z'),
        ...common,
      },
      { name: 'client-admin', status: 'unusable', reason: 'is missing', names: [] },
    ];
    expect(formatCertificates(listing, now)).toMatchInlineSnapshot(`
      "CERTIFICATE   STATUS    LEFT     EXPIRES AT  KEY         SUBJECT
      server-node1  ok        30 d     2026-12-20  ecdsa-p256  CN=node1
      peer-node1    unusable  expired  2026-11-20  ecdsa-p256  CN=node1
      client-admin  unusable  -        -           -           -

      peer-node1: has expired
      client-admin: is missing"
    `);
  });
});
