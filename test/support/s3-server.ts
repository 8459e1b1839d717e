/** A real S3 server for tests: versitygw over a folder, on loopback. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';

/**
 * Where versitygw is, from ETCDLAB_S3_SERVER. Tests that need it are skipped, visibly, for whoever has not got it;
 * continuous integration must have it.
 *
 * @throws Error in continuous integration when it is not there
 */
export function findS3Server(): string | undefined {
  const program = process.env.ETCDLAB_S3_SERVER;
  if (program !== undefined && existsSync(program)) return program;
  if (process.env.CI) throw new Error('ETCDLAB_S3_SERVER must name the executable of versitygw');
  return undefined;
}

export const s3Credentials = { AWS_ACCESS_KEY_ID: 'labkey', AWS_SECRET_ACCESS_KEY: 'lab-secret-of-the-test' } as const;

const startDeadlineMs = 20_000;

export interface S3ServerOptions {
  /** For its data; each folder in it is a bucket. */
  readonly folder: string;
  /** Makes it speak TLS. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
}

export class S3Server {
  readonly port: number;
  readonly endpoint: string;
  private readonly process: ChildProcess;

  private constructor(process: ChildProcess, port: number, endpoint: string) {
    this.process = process;
    this.port = port;
    this.endpoint = endpoint;
  }

  static async start(program: string, { folder, tls }: S3ServerOptions): Promise<S3Server> {
    mkdirSync(folder, { recursive: true });
    for (let tries = 1; ; tries++) {
      const port = await freePort();
      const args = ['--quiet', '--port', `127.0.0.1:${port}`, '--access', s3Credentials.AWS_ACCESS_KEY_ID];
      const secure = tls === undefined ? [] : ['--cert', tls.certFile, '--key', tls.keyFile];
      const child = spawn(program, [...args, ...secure, 'posix', folder], {
        stdio: 'ignore',
        env: { ROOT_SECRET_ACCESS_KEY: s3Credentials.AWS_SECRET_ACCESS_KEY },
      });
      const server = new S3Server(child, port, `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`);
      if (await server.answers()) return server;
      await server.stop();
      // Somebody else may have taken the port in between.
      if (tries === 5) throw new Error(`${program} does not start`);
    }
  }

  private async answers(): Promise<boolean> {
    for (const end = Date.now() + startDeadlineMs; Date.now() < end && this.process.exitCode === null; ) {
      if (await canConnect(this.port)) return true;
      await delay(20);
    }
    return false;
  }

  /** Stops it from answering; connections stay open. */
  freeze(): void {
    this.process.kill('SIGSTOP');
  }

  thaw(): void {
    this.process.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGKILL');
    await gone;
  }
}

/** A certificate for 127.0.0.1, signed by itself. */
export async function selfSigned(folder: string): Promise<{ certFile: string; keyFile: string }> {
  const certFile = path.join(folder, 'server.pem');
  const keyFile = path.join(folder, 'server-key.pem');
  const about = ['-subj', '/CN=store', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2', '-nodes'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  await execa('openssl', ['req', '-x509', ...key, ...about, '-keyout', keyFile, '-out', certFile]);
  return { certFile, keyFile };
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
