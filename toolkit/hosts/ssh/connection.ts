/**
 * One SSH connection to a host, made when it is first needed and again after it was lost, until it is closed. A host that shows another
 * key than the one it was trusted with is refused before anything is sent.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type Algorithms, Client, type ClientChannel, type ConnectConfig, type SFTPWrapper } from 'ssh2';
import { interrupted, LabError, messageOf, throwIfInterrupted } from '../../errors.ts';
import { type ChannelInput, feed } from './channel-input.ts';
import { fingerprint, type HostKey, type KnownHosts, parseHostKey } from './host-keys.ts';

export interface SshAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** A private key without passphrase; undefined: the agent's keys. */
  readonly identityFile?: string | undefined;
}

export interface ExecuteOptions {
  readonly input?: ChannelInput;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Takes the output as it comes, instead of the result's `stdout`. */
  readonly onStdout?: ((chunk: Buffer) => undefined | Promise<void>) | undefined;
}

export interface ExecuteResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** With the handshake, which took an emulated machine that was busy more than ten seconds. */
export const connectTimeoutMs = 30_000;
/** sshd allows ten sessions per connection unless told otherwise, and counts those of ended commands for a while. */
const maxChannels = 6;
const refusedChannelTries = 50;
const refusedChannelPauseMs = 200;
const maxOutputBytes = 64 * 1024 * 1024;
const keepalive = { keepaliveInterval: 5000, keepaliveCountMax: 3 } as const;

/** sshd did not open a session on a connection that works. */
class ChannelRefused extends LabError {
  constructor({ code, message, advice, cause }: LabError) {
    super(code, message, { advice, cause });
  }
}

export class SshConnection {
  readonly address: SshAddress;
  /** The node's name, for messages. */
  private readonly name: string;
  private readonly knownHosts: KnownHosts;
  private connecting: Promise<Client> | undefined;
  private isClosed = false;
  private channels = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(name: string, address: SshAddress, knownHosts: KnownHosts) {
    this.name = name;
    this.address = address;
    this.knownHosts = knownHosts;
  }

  /**
   * Runs one command line to its end.
   * @throws LabError LAB_HOST_UNREACHABLE, LAB_HOST_KEY_UNKNOWN, LAB_HOST_KEY_CHANGED, LAB_SSH_LOGIN,
   *   LAB_COMMAND_TIMEOUT, LAB_COMMAND_START (too much output), LAB_INTERRUPTED
   */
  async execute(commandLine: string, options: ExecuteOptions): Promise<ExecuteResult> {
    throwIfInterrupted(options.signal);
    const client = await this.client();
    await this.takeChannel();
    try {
      for (let tries = 1; ; tries++) {
        try {
          return await this.carryOut(client, commandLine, options);
        } catch (error) {
          // Nothing was run: sshd has too many sessions of commands that were given up.
          if (!(error instanceof ChannelRefused) || tries >= refusedChannelTries) throw error;
          await delay(refusedChannelPauseMs);
          throwIfInterrupted(options.signal);
        }
      }
    } finally {
      this.channels -= 1;
      this.waiting.shift()?.();
    }
  }

  /**
   * Opens a session of SFTP, which ends with the connection.
   * @throws LabError as `execute`
   */
  async sftp(): Promise<SFTPWrapper> {
    const client = await this.client();
    return new Promise((resolve, reject) => {
      const lost = () => reject(this.unreachable('the connection was lost'));
      client.once('close', lost);
      client.sftp((error, session) => {
        client.off('close', lost);
        if (error === undefined) resolve(session);
        else reject(this.unreachable(`it offers no SFTP: ${messageOf(error)}`, error));
      });
    });
  }

  private async takeChannel(): Promise<void> {
    while (this.channels >= maxChannels) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.channels += 1;
  }

  private carryOut(client: Client, commandLine: string, options: ExecuteOptions): Promise<ExecuteResult> {
    return new Promise((resolve, reject) => {
      const lost = () => reject(this.unreachable('the connection was lost'));
      client.once('close', lost);
      client.exec(commandLine, (error, channel) => {
        client.off('close', lost);
        // In this very turn: a short command's end may have come in the same packet as its beginning.
        if (error === undefined) this.follow(channel, commandLine, options).then(resolve, reject);
        else reject(new ChannelRefused(this.unreachable(messageOf(error), error)));
      });
    });
  }

  private follow(channel: ClientChannel, commandLine: string, options: ExecuteOptions): Promise<ExecuteResult> {
    const { timeoutMs, signal, onStdout } = options;
    return new Promise((resolve, reject) => {
      const stdout: Buffer[] = [];
      const stderr: Buffer[] = [];
      let sizeBytes = 0;
      let exitCode: number | undefined;
      const settle = (end: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        end();
      };
      const fail = (error: unknown) =>
        settle(() => {
          // sshd keeps a session until its command has ended.
          channel.signal('TERM');
          channel.close();
          reject(error);
        });
      const abort = () => fail(interrupted());
      const timer = setTimeout(() => fail(this.timeout(commandLine, timeoutMs)), timeoutMs);
      signal?.addEventListener('abort', abort, { once: true });
      const keep = (list: Buffer[], chunk: Buffer) => {
        sizeBytes += chunk.length;
        if (sizeBytes <= maxOutputBytes) list.push(chunk);
        else
          fail(new LabError('LAB_COMMAND_START', `a command on ${this.name} writes more than ${maxOutputBytes} bytes`));
      };
      channel.on('data', (chunk: Buffer) => {
        if (onStdout === undefined) return keep(stdout, chunk);
        const taking = onStdout(chunk);
        if (taking === undefined) return;
        channel.pause();
        taking.then(() => channel.resume(), fail);
      });
      channel.stderr.on('data', (chunk: Buffer) => keep(stderr, chunk));
      channel.on('exit', (code: number | null, signalName?: string) => {
        exitCode = code ?? 128 + (signalNumbers[signalName ?? ''] ?? 0);
      });
      channel.on('close', () =>
        settle(() => {
          if (exitCode === undefined) reject(this.unreachable('the connection was lost while a command ran'));
          else resolve({ exitCode, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString('utf8') });
        }),
      );
      // A command that ends without reading its input closes the stream under the writer; its exit code tells why.
      channel.on('error', () => undefined);
      feed(channel, options.input).catch(fail);
    });
  }

  private timeout(commandLine: string, timeoutMs: number): LabError {
    const shown = commandLine.length > 120 ? `${commandLine.slice(0, 119)}…` : commandLine;
    return new LabError('LAB_COMMAND_TIMEOUT', `${shown} on ${this.name} took longer than ${timeoutMs} ms`);
  }

  private unreachable(reason: string, cause?: unknown): LabError {
    const { host, port } = this.address;
    return new LabError(
      'LAB_HOST_UNREACHABLE',
      `${this.name} (${host}:${port}) cannot be reached over SSH: ${reason}`,
      {
        advice: `check that it runs and that sshd listens there: ssh -p ${port} ${this.address.user}@${host}`,
        ...(cause !== undefined && { cause }),
      },
    );
  }

  private client(): Promise<Client> {
    // Made again behind the back of whoever closed it, it would keep the program alive.
    if (this.isClosed) return Promise.reject(this.unreachable('the connection was closed'));
    this.connecting ??= this.connect().catch((error: unknown) => {
      this.connecting = undefined;
      throw error;
    });
    return this.connecting;
  }

  private async connect(): Promise<Client> {
    const { host, port } = this.address;
    const trusted = await this.knownHosts.find(host, port);
    if (trusted === undefined) {
      throw new LabError(
        'LAB_HOST_KEY_UNKNOWN',
        `the SSH host key of ${this.name} (${host}:${port}) is not known yet`,
        {
          advice: 'etcdlab up asks for it; or name it in lab.yaml, or accept it with --accept-new-host-keys',
        },
      );
    }
    let shown: HostKey | undefined;
    const config: ConnectConfig = {
      ...(await this.authentication()),
      // The key that is trusted is of one type: the host must show that one.
      algorithms: { serverHostKey: hostKeyAlgorithms(trusted.type) },
      hostVerifier: (blob: Buffer) => {
        shown = parseHostKey(blob);
        return shown.blob.equals(trusted.blob);
      },
    };
    try {
      return await this.dial(config);
    } catch (error) {
      if (shown !== undefined && !shown.blob.equals(trusted.blob)) throw this.keyChanged(trusted, shown);
      throw /no matching host key format/i.test(messageOf(error)) ? this.keyChanged(trusted, undefined) : error;
    }
  }

  private keyChanged(trusted: HostKey, shown: HostKey | undefined): LabError {
    const { host, port } = this.address;
    const now = shown === undefined ? `it has no ${trusted.type} key any more` : `it shows ${fingerprint(shown)}`;
    return new LabError(
      'LAB_HOST_KEY_CHANGED',
      `the SSH host key of ${this.name} (${host}:${port}) has changed: ${fingerprint(trusted)} is trusted, ${now}`,
      {
        advice: [
          'if nobody reinstalled that host, somebody else may be answering in its place: find out first',
          `if it was reinstalled, forget its old key: ${this.knownHosts.forgetCommand(host, port)}`,
        ],
      },
    );
  }

  private async authentication(): Promise<ConnectConfig> {
    const { identityFile } = this.address;
    if (identityFile !== undefined) {
      try {
        return { privateKey: await readFile(identityFile) };
      } catch (cause) {
        throw new LabError('LAB_SSH_LOGIN', `${identityFile}, the key for ${this.name}, cannot be read`, {
          advice: 'correct ssh.identityFile in lab.yaml',
          cause,
        });
      }
    }
    const agent = process.env.SSH_AUTH_SOCK;
    if (agent) return { agent };
    throw new LabError('LAB_SSH_LOGIN', `there is no key to log in to ${this.name} with: no SSH agent runs`, {
      advice: 'name a key in lab.yaml (ssh.identityFile), or start an agent and add one: ssh-add',
    });
  }

  private dial(config: ConnectConfig): Promise<Client> {
    const { host, port, user: username } = this.address;
    return new Promise((resolve, reject) => {
      const client = new Client();
      // Each command listens for the end of the connection; how many there are is bounded already.
      client.setMaxListeners(0);
      const forget = () => {
        this.connecting = undefined;
      };
      client.once('ready', () => {
        // Small requests would otherwise wait for the answers to those before them.
        client.setNoDelay(true);
        resolve(client);
      });
      client.on('error', (error: Error & { level?: string }) => {
        client.destroy();
        reject(error.level === 'client-authentication' ? this.refusedLogin() : this.unreachable(error.message, error));
      });
      client.on('close', () => {
        forget();
        reject(this.unreachable('it closed the connection'));
      });
      try {
        client.connect({ host, port, username, readyTimeout: connectTimeoutMs, ...keepalive, ...config });
      } catch (error) {
        // Thrown for a key that cannot be parsed.
        reject(
          new LabError('LAB_SSH_LOGIN', `the key for ${this.name} cannot be used: ${messageOf(error)}`, {
            advice: 'a key with a passphrase works through an agent: leave out identityFile, and run ssh-add',
          }),
        );
      }
    });
  }

  private refusedLogin(): LabError {
    const { host, port, user, identityFile } = this.address;
    const tried = identityFile === undefined ? "the agent's keys" : identityFile;
    return new LabError('LAB_SSH_LOGIN', `${this.name} (${host}:${port}) lets ${user} not log in with ${tried}`, {
      advice: `ssh-copy-id -p ${port} ${user}@${host}, or correct ssh.user and ssh.identityFile in lab.yaml`,
    });
  }

  /** Ends the connection for good. */
  async close(): Promise<void> {
    this.isClosed = true;
    const client = await this.connecting?.catch(() => undefined);
    this.connecting = undefined;
    if (client === undefined) return;
    await new Promise<void>((resolve) => {
      client.once('close', () => resolve());
      client.end();
      // A host that is cut off does not answer the goodbye.
      setTimeout(() => client.destroy(), 500).unref();
    });
  }
}

/** An RSA key signs in more ways than its type's name tells (RFC 8332). */
function hostKeyAlgorithms(type: string): NonNullable<Algorithms['serverHostKey']> {
  const names = type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type];
  return names as NonNullable<Algorithms['serverHostKey']>;
}

/** Of those that end a command from outside; SSH names signals without `SIG`. */
const signalNumbers: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ABRT: 6,
  KILL: 9,
  SEGV: 11,
  TERM: 15,
};
