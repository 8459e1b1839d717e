import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import ssh2, { type Connection } from 'ssh2';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { LabError } from '../../errors.ts';
import { scratchFolder } from '../../testing/scratch.ts';
import { SshConnection } from './connection.ts';
import { readHostKey } from './host-key-probe.ts';
import { fingerprint, KnownHosts, parseHostKey } from './host-keys.ts';

const userKey = ssh2.utils.generateKeyPairSync('ed25519');

/** An SSH server of this process, which runs what it is asked to in a shell. */
class TestServer {
  /** How often somebody tried to log in with a key. */
  logins = 0;
  port = 0;
  private readonly hostKey = ssh2.utils.generateKeyPairSync('ed25519');
  private readonly connections = new Set<Connection>();
  private server: InstanceType<typeof ssh2.Server> | undefined;

  async start(): Promise<void> {
    const server = new ssh2.Server({ hostKeys: [this.hostKey.private] }, (connection) => this.serve(connection));
    this.server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
  }

  private serve(connection: Connection): void {
    this.connections.add(connection);
    connection.on('close', () => this.connections.delete(connection));
    connection.on('error', () => undefined);
    connection.on('authentication', (context) => {
      if (context.method === 'publickey') this.logins += 1;
      if (context.method === 'publickey' && context.username === 'lab') context.accept();
      else context.reject(['publickey']);
    });
    connection.on('session', (accept) => {
      accept().on('exec', (acceptExec, _, { command }) => {
        const channel = acceptExec();
        const child = spawn('sh', ['-c', command]);
        channel.pipe(child.stdin);
        child.stdin.on('error', () => undefined);
        child.stdout.on('data', (chunk: Buffer) => channel.write(chunk));
        child.stderr.on('data', (chunk: Buffer) => channel.stderr.write(chunk));
        channel.on('close', () => child.kill('SIGKILL'));
        child.on('close', (code) => {
          if (channel.destroyed) return;
          channel.exit(code ?? 1);
          channel.end();
        });
      });
    });
  }

  /** As a cable that is pulled, or a machine that dies. */
  dropConnections(): void {
    for (const connection of this.connections) connection.end();
  }

  async stop(): Promise<void> {
    this.dropConnections();
    await new Promise<void>((resolve) => this.server?.close(() => resolve()) ?? resolve());
  }
}

async function setUp(options: { user?: string; isTrusted?: boolean } = {}) {
  const folder = scratchFolder();
  const identityFile = join(folder, 'key');
  writeFileSync(identityFile, userKey.private, { mode: 0o600 });
  const server = new TestServer();
  await server.start();
  const address = { host: '127.0.0.1', port: server.port, user: options.user ?? 'lab', identityFile };
  const knownHosts = new KnownHosts(join(folder, 'known_hosts'));
  if (options.isTrusted !== false) await knownHosts.trust('127.0.0.1', server.port, await readHostKey('a', address));
  const connection = new SshConnection('a', address, knownHosts);
  onTestFinished(async () => {
    await connection.close();
    await server.stop();
  });
  return { server, connection, address, knownHosts };
}

const quick = { timeoutMs: 20_000 };

describe('a connection', () => {
  it('carries a command there, and its output, errors and exit code back', async () => {
    const { connection } = await setUp();
    const result = await connection.execute('cat; echo oops >&2; exit 7', { ...quick, input: 'hello' });
    expect({ ...result, stdout: result.stdout.toString() }).toEqual({ exitCode: 7, stdout: 'hello', stderr: 'oops\n' });
  });

  it('carries any number of commands, a few at a time, over one login', async () => {
    const { connection, server } = await setUp();
    const numbers = Array.from({ length: 40 }, (_, i) => String(i));
    const results = await Promise.all(numbers.map((n) => connection.execute(`echo ${n}`, quick)));
    expect(results.map(({ stdout }) => stdout.toString().trim())).toEqual(numbers);
    expect(server.logins).toBeLessThanOrEqual(2);
  });

  it('takes large input and output as they come', async () => {
    const { connection } = await setUp();
    const size = 3_000_000;
    const chunks = Array.from({ length: 30 }, () => Buffer.alloc(size / 30, 'x'));
    let received = 0;
    const input = (async function* () {
      yield* chunks;
    })();
    const onStdout = async (chunk: Buffer) => {
      received += chunk.length;
    };
    expect((await connection.execute('cat', { ...quick, input, onStdout })).exitCode).toBe(0);
    expect(received).toBe(size);
  });

  it('is made again after it was lost; what ran meanwhile has failed', async () => {
    const { connection, server } = await setUp();
    const running = connection.execute('echo begun; sleep 60', {
      ...quick,
      onStdout: async () => server.dropConnections(),
    });
    await expect(running).rejects.toMatchObject({ code: 'LAB_HOST_UNREACHABLE' });
    expect((await connection.execute('echo back', quick)).stdout.toString()).toBe('back\n');
  });

  it('is not made again once it was closed', async () => {
    const { connection, server } = await setUp();
    await connection.execute('true', quick);
    const { logins } = server;
    await connection.close();
    await expect(connection.execute('true', quick)).rejects.toMatchObject({ code: 'LAB_HOST_UNREACHABLE' });
    expect(server.logins).toBe(logins);
  });

  it('gives a command up at its deadline, and when the user interrupts', async () => {
    const { connection } = await setUp();
    const late = connection.execute('sleep 60', { timeoutMs: 100 });
    await expect(late).rejects.toMatchObject({ code: 'LAB_COMMAND_TIMEOUT' });
    const controller = new AbortController();
    const onStdout = async () => controller.abort();
    const stopped = connection.execute('echo begun; sleep 60', { ...quick, signal: controller.signal, onStdout });
    await expect(stopped).rejects.toMatchObject({ code: 'LAB_INTERRUPTED' });
    expect((await connection.execute('true', quick)).exitCode).toBe(0);
  });

  it('says who is not let in, and what to do', async () => {
    const { connection } = await setUp({ user: 'nobody' });
    await expect(connection.execute('true', quick)).rejects.toMatchObject({
      code: 'LAB_SSH_LOGIN',
      message: expect.stringContaining('lets nobody not log in with'),
      advice: [expect.stringContaining('ssh-copy-id')],
    });
  });

  it('says that nobody listens', async () => {
    const { connection, server } = await setUp();
    await server.stop();
    await expect(connection.execute('true', quick)).rejects.toMatchObject({ code: 'LAB_HOST_UNREACHABLE' });
  });
});

describe('a host key', () => {
  it('that nobody has vouched for gets no login', async () => {
    const { connection, server } = await setUp({ isTrusted: false });
    await expect(connection.execute('true', quick)).rejects.toMatchObject({ code: 'LAB_HOST_KEY_UNKNOWN' });
    expect(server.logins).toBe(0);
  });

  it('that has changed gets no login, and both keys are named', async () => {
    const { connection, server, address, knownHosts } = await setUp();
    const before = parseHostKey(publicKeyOf(ssh2.utils.generateKeyPairSync('ed25519').public));
    await knownHosts.trust('127.0.0.1', server.port, before);
    const shown = await readHostKey('a', address);
    const refused = await connection.execute('true', quick).catch((error: unknown) => error as LabError);
    expect(refused).toMatchObject({ code: 'LAB_HOST_KEY_CHANGED', exitCode: 3 });
    expect((refused as LabError).message).toContain(
      `has changed: ${fingerprint(before)} is trusted, it shows ${fingerprint(shown)}`,
    );
    expect(server.logins).toBe(0);
  });
});

function publicKeyOf(text: string): Buffer {
  return Buffer.from(text.split(' ')[1] ?? '', 'base64');
}
