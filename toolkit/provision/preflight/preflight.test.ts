import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LabError } from '../../errors.ts';
import type { ServiceStatus } from '../../hosts/host.ts';
import { LocalHost } from '../../hosts/local-host.ts';
import { parseConfig } from '../../lab/config-file.ts';
import { type LabNode, localNode } from '../../lab/nodes.ts';
import { labPaths } from '../../lab/state.ts';
import { scratchFolder } from '../../testing/scratch.ts';
import { nextState } from '../up.ts';
import { percentile99 } from './disk.ts';
import { checkEnded } from './ended.ts';
import { problem } from './finding.ts';
import { checkState, preflight, refuseOnErrors } from './mod.ts';
import { describeBindError } from './ports.ts';
import { checkEngine, checkNode } from './program.ts';

const node = localNode({ name: 'node1', address: '127.0.0.1', clientPort: 2379, peerPort: 2380 }, '/lab/hosts');

async function listener(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

describe('preflight', () => {
  it('reports everything at once, problems first, and changes nothing', async () => {
    const folder = scratchFolder();
    const port = await listener();
    const config = parseConfig(
      `engine: { kind: upstream, path: /nowhere }\nnodes: [{ name: a, clientPort: ${port}, peerPort: ${(port % 60_000) + 1024} }]`,
      'lab.yaml',
      '/',
    );
    const findings = await preflight({ config, paths: labPaths(folder, 'lab'), now: new Date() });
    const errors = findings.filter((finding) => finding.severity === 'error').map((finding) => finding.check);
    expect(errors.sort()).toEqual(['engine', 'port-free']);
    expect(findings.slice(0, 2).every((finding) => finding.severity === 'error' && finding.advice)).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('refuses with all errors and their cure', () => {
    const findings = [problem('error', 'a', 'X', 'is bad', 'mend X'), problem('warning', 'b', 'Y', 'is slow', 'wait')];
    expect(() => refuseOnErrors(findings.slice(1))).not.toThrow();
    try {
      refuseOnErrors(findings);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(LabError);
      expect(error).toMatchObject({ code: 'LAB_PREFLIGHT', exitCode: 3, details: ['X: is bad', '  → mend X'] });
    }
  });

  it('tells a cure once, for all that it cures', () => {
    const findings = ['X', 'Z'].map((subject) => problem('error', 'a', subject, 'is bad', 'mend it'));
    const others = [problem('error', 'a', 'Y', 'is worse', 'mend Y')];
    const refusal = () => refuseOnErrors([findings[0], ...others, findings[1]] as typeof findings);
    expect(refusal).toThrow(
      expect.objectContaining({ details: ['X: is bad', 'Z: is bad', '  → mend it', 'Y: is worse', '  → mend Y'] }),
    );
  });

  it('reports a damaged state instead of stumbling over it', async () => {
    const paths = labPaths(scratchFolder(), 'lab');
    mkdirSync(paths.root);
    writeFileSync(paths.stateFile, 'nonsense');
    const findings = await preflight({ config: parseConfig('', 'lab.yaml', '/'), paths, now: new Date() });
    expect(findings).toMatchObject([{ check: 'state', severity: 'error', found: expect.stringContaining('damaged') }]);
  });
});

describe('a port that cannot be bound', () => {
  const describeIt = (code: string, owner?: { pid: number; command: string }) =>
    describeBindError(code, 'S', node, 2379, owner);

  it('names the process that holds it', () => {
    expect(describeIt('EADDRINUSE', { pid: 7, command: `python ${'x'.repeat(99)}` })).toMatchObject({
      severity: 'error',
      found: expect.stringMatching(/^in use by pid 7: python x+…$/),
      advice: expect.stringContaining('kill 7'),
    });
    expect(describeIt('EADDRINUSE').found).toBe("in use by another user's process");
  });

  it('names the lab whose member holds it, instead of a process to kill', () => {
    const own = localNode({ name: 'a', address: '127.0.0.1', clientPort: 1, peerPort: 2 }, '/my/.etcdlab/other/hosts');
    const describeFor = (labs: string) => {
      const command = `/x/etcd --config-file ${labs}/lab/hosts/node1/etcd.conf.yml`;
      return describeBindError('EADDRINUSE', 'S', own, 1, { pid: 7, command });
    };
    expect(describeFor('/my/.etcdlab')).toMatchObject({
      found: "in use by node1 of lab 'lab'",
      advice: 'etcdlab down --name lab, or use other ports in lab.yaml',
    });
    expect(describeFor('/your labs')).toMatchObject({
      found: "in use by node1 of lab 'lab' in /your labs",
      advice: "etcdlab down --name lab --state-dir '/your labs', or use other ports in lab.yaml",
    });
  });

  it('recognises a member that a killed run left behind', () => {
    const command = '/opt/etcd --config-file /lab/hosts/node1/etcd.conf.yml';
    expect(describeIt('EADDRINUSE', { pid: 7, command })).toMatchObject({
      found: 'in use by pid 7, this very member, started by a run that was killed',
      advice: 'kill 7',
    });
  });

  it('says when it is the address or the permission', () => {
    expect(describeIt('EADDRNOTAVAIL').found).toBe('127.0.0.1 is no address of this machine');
    expect(describeIt('EACCES').found).toBe('port 2379 is for root only');
  });
});

describe('the engine', () => {
  const local = new LocalHost('this machine', '/nowhere');
  function binaries(script: string): string {
    const folder = scratchFolder();
    for (const name of ['etcd', 'etcdctl', 'etcdutl']) {
      writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(folder, name), 0o755);
    }
    return folder;
  }

  it('is there and says its version', async () => {
    const path = binaries('echo "etcd Version: 3.5.30"');
    expect(await checkEngine({ kind: 'upstream', path }, local)).toMatchObject({
      severity: 'ok',
      found: 'etcd 3.5.30',
    });
  });

  it('may be unpacked from an archive that is gone since', async () => {
    const archive = { file: '/nowhere/etcd.tar.gz', sha256: '0'.repeat(64) };
    const unpacked = binaries('echo "etcd Version: 3.5.30"');
    expect(await checkEngine({ kind: 'upstream', path: unpacked, archive }, local)).toMatchObject({ severity: 'ok' });
    expect(await checkEngine({ kind: 'upstream', path: scratchFolder(), archive }, local)).toMatchObject({
      severity: 'error',
      subject: archive.file,
    });
  });

  it('is refused if an executable is missing or does not run', async () => {
    const broken = binaries('echo "cannot execute: wrong architecture" >&2; exit 126');
    expect(await checkEngine({ kind: 'upstream', path: broken }, local)).toMatchObject({
      severity: 'error',
      found: expect.stringMatching(/ended with 126: cannot execute/),
    });
    chmodSync(join(broken, 'etcdutl'), 0o644);
    expect((await checkEngine({ kind: 'upstream', path: broken }, local)).found).toMatch(/not executable: .*etcdutl$/);
  });

  it('runs on the Node.js it was made for', () => {
    expect(checkNode('v26.10.0', '/lab/node')).toMatchObject({
      severity: 'ok',
      subject: 'Node.js of the lab (/lab/node)',
    });
    expect(checkNode('v22.1.0', '/lab/node')).toMatchObject({ severity: 'warning', found: 'v22.1.0, v26 is wanted' });
  });
});

describe('members that should be running', () => {
  const having = (name: string, status: () => Promise<ServiceStatus>): LabNode =>
    ({ ...node, name, host: { service: { status } } }) as unknown as LabNode;

  it('are reported when they have ended by themselves, and only then', async () => {
    const startedAt = new Date('2026-11-20T12:00:00Z');
    const findings = await checkEnded([
      having('node1', async () => ({ state: 'exited', startedAt })),
      having('node2', async () => ({ state: 'stopped' })),
      having('node3', async () => ({ state: 'running', pid: 7, startedAt })),
      having('node4', () => Promise.reject(new LabError('LAB_HOST_UNREACHABLE', 'no answer'))),
    ]);
    expect(findings).toEqual([
      {
        check: 'member-runs',
        severity: 'warning',
        subject: 'node1',
        found: 'was started at 2026-11-20T12:00:00.000Z and has ended by itself',
        advice: 'etcdlab logs node1 says why, etcdlab up starts it',
      },
    ]);
  });
});

describe('the nodes of a lab', () => {
  const config = parseConfig('', 'lab.yaml', '/');
  const paths = labPaths('/state', 'lab');

  it('cannot be changed by editing lab.yaml', () => {
    const state = nextState(undefined, config);
    expect(checkState(undefined, config, paths).severity).toBe('ok');
    expect(checkState(state, config, paths)).toMatchObject({ severity: 'ok', found: 'lab of 3 nodes' });
    const changed = parseConfig('nodes: [{ name: node1 }]', 'lab.yaml', '/');
    expect(checkState(state, changed, paths)).toMatchObject({
      severity: 'error',
      found: expect.stringContaining('node2 127.0.0.1:22379/22380 is running but not described'),
    });
  });
});

describe('the 99th percentile', () => {
  it('is the slowest of a few, and not the slowest of many', () => {
    expect(percentile99([3])).toBe(3);
    expect(percentile99([1, 9, 5])).toBe(9);
    expect(percentile99(Array.from({ length: 200 }, (_, index) => index + 1))).toBe(198);
  });
});
