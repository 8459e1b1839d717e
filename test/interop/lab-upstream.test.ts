/** The whole life of a lab, with upstream's etcd as its engine. Each command is a process of its own, as for a user. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspect } from '../../pki/mod.ts';
import { inspectPid } from '../../toolkit/hosts/process-identity.ts';
import { noLabChosen } from '../support/lab-environment.ts';

const upstream = process.env.ETCDLAB_UPSTREAM;
const program = join(import.meta.dirname, '../../toolkit/main.ts');

async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  for (let i = 0; i < count; i++) {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
  }
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

interface Event {
  event: string;
  path?: string[];
  text?: string;
  changed?: boolean;
  code?: string;
  details?: string[];
}

interface Status {
  healthy: boolean;
  problems: string[];
  members: { node: string; process: string; pid?: number; report?: { role: string; memberId: string } }[];
}

// Without upstream's binaries this is skipped, and says so; CI must name them.
describe.skipIf(upstream === undefined && !process.env.CI)('a lab of upstream members', () => {
  let folder = '';
  const etcdlab = (...args: string[]) =>
    execa(process.execPath, [program, ...args], { cwd: folder, reject: false, env: { DEBUG: '', ...noLabChosen } });
  const events = async (...args: string[]) => {
    const { stdout, exitCode } = await etcdlab(...args, '--json');
    return { exitCode, events: stdout.split('\n').map((line) => JSON.parse(line) as Event) };
  };
  const changed = async (...args: string[]) => {
    const result = await events(...args);
    expect(result.exitCode, JSON.stringify(result.events.at(-1))).toBe(0);
    return result.events.at(-1)?.changed;
  };
  const status = async () => JSON.parse((await etcdlab('status', '--json')).stdout) as Status;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'etcdlab-interop-'));
    const ports = await freePorts(6);
    const nodes = [1, 2, 3].map(
      (n, i) => `  - { name: node${n}, clientPort: ${ports[2 * i]}, peerPort: ${ports[2 * i + 1]} }`,
    );
    const engine = JSON.stringify({ kind: 'upstream', path: upstream ?? 'ETCDLAB_UPSTREAM is not set' });
    writeFileSync(join(folder, 'lab.yaml'), `name: life\nengine: ${engine}\nnodes:\n${nodes.join('\n')}\n`);
  });
  afterAll(async () => {
    await etcdlab('destroy', '--yes');
    rmSync(folder, { recursive: true, force: true });
  });

  it('comes up', async () => {
    expect(await changed('up')).toBe(true);
  });

  it('is healthy then, with one leader, and its members outlive the command', async () => {
    const { healthy, members, problems } = await status();
    expect({ healthy, problems }).toEqual({ healthy: true, problems: [] });
    expect(members.map(({ process }) => process)).toEqual(['running', 'running', 'running']);
    expect(members.filter(({ report }) => report?.role === 'leader')).toHaveLength(1);
    expect((await etcdlab('status')).exitCode).toBe(0);
  });

  it('is not changed by coming up again', async () => {
    const before = await status();
    const { events: told } = await events('up');
    expect(told.at(-1)).toMatchObject({ event: 'finished', changed: false });
    expect(told.filter((event) => event.event === 'task-skipped').map((event) => event.path?.at(-1))).toEqual(
      expect.arrayContaining(['Certificates', 'Configure the members', 'node1', 'node2', 'node3']),
    );
    expect(await status()).toMatchObject({ members: before.members.map(({ node, pid }) => ({ node, pid })) });
  });

  it('is worked with through etcdctl, with nothing to set', async () => {
    expect((await etcdlab('ctl', 'put', 'greeting', '--', '-hi-')).stdout).toBe('OK');
    expect((await etcdlab('ctl', '--node', 'node2', 'get', 'greeting', '--print-value-only')).stdout).toBe('-hi-');
    expect((await etcdlab('ctl', 'frobnicate')).exitCode).not.toBe(0);
    const { stdout } = await etcdlab('env');
    const script = `${stdout}\n"${upstream}/etcdctl" get greeting --print-value-only`;
    expect((await execa('sh', ['-c', script])).stdout).toBe('-hi-');
  });

  it('serves the HTTP gateway, which needs a server certificate that is good for a client', async () => {
    const { stdout } = await etcdlab('env', '--json');
    const environment = JSON.parse(stdout) as Record<string, string>;
    const [endpoint] = (environment.ETCDCTL_ENDPOINTS ?? '').split(',');
    const files = [
      '--cacert',
      environment.ETCDCTL_CACERT,
      '--cert',
      environment.ETCDCTL_CERT,
      '--key',
      environment.ETCDCTL_KEY,
    ];
    const body = JSON.stringify({ key: Buffer.from('greeting').toString('base64') });
    const answer = await execa('curl', ['-sS', ...(files as string[]), '-d', body, `${endpoint}/v3/kv/range`]);
    expect(JSON.parse(answer.stdout)).toMatchObject({ count: '1' });
  });

  it('refuses a second command while one is at work', async () => {
    const results = await Promise.all([events('up'), events('up')]);
    const codes = results.map(({ exitCode }) => exitCode).sort();
    expect(codes[0]).toBe(0);
    if (codes[1] !== 0) expect(results.some((r) => r.events.at(-1)?.code === 'LAB_LOCKED')).toBe(true);
  });

  it('says which member was killed, and is repaired by coming up', async () => {
    const { members } = await status();
    process.kill(members[1]?.pid as number, 'SIGKILL');
    await expect.poll(async () => (await status()).members[1]?.process, { timeout: 10_000 }).toBe('exited');
    const broken = await etcdlab('status');
    expect(broken.exitCode).toBe(1);
    expect(broken.stdout).toMatch(/node2 was started at .* and has ended by itself/);
    expect(await changed('up')).toBe(true);
    const repaired = await status();
    expect(repaired.healthy).toBe(true);
    expect(repaired.members[0]?.pid).toBe(members[0]?.pid);
    expect(repaired.members[1]?.report?.memberId).toBe(members[1]?.report?.memberId);
  });

  it('thaws a frozen member', async () => {
    const pid = (await status()).members[2]?.pid as number;
    process.kill(pid, 'SIGSTOP');
    await expect.poll(async () => (await status()).members[2]?.process, { timeout: 10_000 }).toBe('frozen');
    expect(await changed('up')).toBe(true);
    expect((await status()).members[2]).toMatchObject({ process: 'running', pid });
  });

  it('replaces a lost certificate while its members go on running', async () => {
    const before = (await status()).members.map(({ pid }) => pid);
    const deployed = join(folder, '.etcdlab/life/hosts/node1/pki/server.pem');
    const old = inspect(readFileSync(deployed)).serial;
    rmSync(join(folder, '.etcdlab/life/pki/server-node1.pem'));
    expect((await etcdlab('certs', 'list')).stdout).toMatch(/server-node1 +unusable/);
    expect(await changed('up')).toBe(true);
    expect(inspect(readFileSync(deployed)).serial).not.toBe(old);
    expect((await status()).members.map(({ pid }) => pid)).toEqual(before);
  });

  it('shows why a member cannot start, with the end of its log', async () => {
    const data = join(folder, '.etcdlab/life/hosts/node3/data');
    await changed('down');
    const wal = join(data, 'member/wal');
    const segments = readdirSync(wal).filter((name) => name.endsWith('.wal'));
    const kept = segments.map((name) => [join(wal, name), readFileSync(join(wal, name))] as const);
    for (const [path] of kept) writeFileSync(path, Buffer.alloc(4096, 0xff));
    const { exitCode, events: told } = await events('up');
    expect(exitCode).toBe(1);
    expect(told.at(-1)).toMatchObject({
      event: 'error',
      code: 'LAB_MEMBER_EXITED',
      message: 'node3 has ended by itself',
    });
    expect(told.at(-1)?.details?.join('\n')).toMatch(/wal|crc|panic|corrupt/i);
    for (const [path, content] of kept) writeFileSync(path, content);
    expect(await changed('up')).toBe(true);
  });

  it('goes on after an interruption', async () => {
    await changed('down');
    const running = execa(process.execPath, [program, 'up'], { cwd: folder, reject: false });
    running.stdout.on('data', (text: Buffer) => {
      // Once: the second time means "at once", and nothing is said any more.
      if (text.includes('start  Start the members\n')) running.kill('SIGINT');
    });
    const { exitCode, stderr } = await running;
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 130, stderr: expect.stringContaining('LAB_INTERRUPTED') });
    await changed('up');
    expect((await status()).healthy).toBe(true);
  });

  it('goes down and comes up again with its data', async () => {
    expect(await changed('down')).toBe(true);
    expect(await changed('down')).toBe(false);
    const stopped = await status();
    expect(stopped.members.map(({ process }) => process)).toEqual(['stopped', 'stopped', 'stopped']);
    expect(await changed('up')).toBe(true);
    expect((await etcdlab('ctl', 'get', 'greeting', '--print-value-only')).stdout).toBe('-hi-');
  });

  it('shows the logs of its members', async () => {
    const all = (await etcdlab('logs', '-n', '3')).stdout.split('\n');
    expect(all).toHaveLength(9);
    expect(all[0]).toMatch(/^node1 \| \{"level"/);
    expect((await etcdlab('logs', 'node2', '-n', '2')).stdout.split('\n')).toHaveLength(2);
  });

  it('can be followed by a reader who goes away', async () => {
    const pipeline = `"${process.execPath}" "${program}" logs -f -n 5 | head -n 1`;
    const running = execa('sh', ['-c', pipeline], { cwd: folder, reject: false });
    let hasEnded = false;
    running.finally(() => {
      hasEnded = true;
    });
    // That nobody reads any more is noticed by the next line: members log that they defragment.
    const writeToTheLog = async (): Promise<boolean> => {
      await etcdlab('ctl', 'defrag');
      return hasEnded;
    };
    await expect.poll(writeToTheLog, { timeout: 60_000 }).toBe(true);
    const { exitCode } = await running;
    expect(exitCode).toBe(0);
  });

  it('is destroyed without a trace', async () => {
    const pids = (await status()).members.map(({ pid }) => pid as number);
    expect(await changed('destroy', '--yes')).toBe(true);
    expect(readdirSync(folder)).toEqual(['lab.yaml']);
    for (const pid of pids) expect(inspectPid(pid), `pid ${pid}`).toBeUndefined();
  });
});
