/**
 * A host on which nothing happens: what would be changed is written down, and from then on seen as if it had been done.
 * What only looks goes to the real host.
 */
import type {
  Host,
  HostFile,
  HostUser,
  RunOptions,
  RunResult,
  Service,
  ServiceDefinition,
  ServiceStatus,
} from './host.ts';
import { SystemdService, unitName } from './ssh/systemd-service.ts';

export type PlannedAction =
  | { readonly action: 'run'; readonly command: readonly string[]; readonly as: HostUser }
  | {
      readonly action: 'write' | 'upload';
      readonly path: string;
      readonly mode: number;
      readonly owner: HostUser;
      /** Of `upload`: the file of this machine. */
      readonly from?: string;
      /** Of `write`. */
      readonly sizeBytes?: number;
    }
  | { readonly action: 'make-directory'; readonly path: string; readonly mode: number; readonly owner: HostUser }
  | { readonly action: 'rename'; readonly path: string; readonly to: string }
  | { readonly action: 'remove'; readonly path: string }
  | { readonly action: 'start' | 'stop' | 'kill' | 'freeze' | 'thaw'; readonly unit: string }
  | { readonly action: 'cut'; readonly addresses: readonly string[] }
  | { readonly action: 'heal' };

export class RecordingHost implements Host {
  readonly name: string;
  readonly kind: Host['kind'];
  readonly service: Service;
  /** In the order in which they would be done. */
  readonly planned: PlannedAction[] = [];
  private readonly real: Host;
  private readonly written = new Map<string, Uint8Array>();
  private readonly directories = new Set<string>();

  constructor(real: Host) {
    this.real = real;
    this.name = real.name;
    this.kind = real.kind;
    this.service = new RecordingService(this, real.service);
  }

  async run(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    if (options.readOnly === true) return this.real.run(file, args, options);
    this.planned.push({ action: 'run', command: [file, ...args], as: options.as ?? 'member' });
    return { exitCode: 0, stdout: '', stderr: '', durationMs: 0 };
  }

  /** Of a log that is followed; the service asks for it. */
  lines(): AsyncIterable<string> {
    return this.real.service.followLog(0, AbortSignal.abort());
  }

  async putFile(path: string, content: string | Uint8Array, mode = 0o600, owner: HostUser = 'member'): Promise<void> {
    const bytes = Buffer.from(content);
    this.planned.push({ action: 'write', path, mode, owner, sizeBytes: bytes.length });
    this.written.set(path, bytes);
  }

  async putFiles(files: readonly HostFile[]): Promise<void> {
    for (const { path, content, mode } of files) await this.putFile(path, content, mode);
  }

  async getFile(path: string): Promise<Uint8Array | undefined> {
    return this.written.get(path) ?? this.real.getFile(path);
  }

  async upload(from: string, path: string, mode = 0o600, owner: HostUser = 'member'): Promise<void> {
    this.planned.push({ action: 'upload', path, mode, owner, from });
  }

  download(path: string, localPath: string, mode?: number): Promise<void> {
    return this.real.download(path, localPath, mode);
  }

  async exists(path: string): Promise<boolean> {
    return this.written.has(path) || this.directories.has(path) || this.real.exists(path);
  }

  list(path: string): Promise<string[]> {
    return this.real.list(path);
  }

  async makeDirectory(path: string, mode = 0o700, owner: HostUser = 'member'): Promise<void> {
    if (await this.exists(path)) return;
    this.planned.push({ action: 'make-directory', path, mode, owner });
    this.directories.add(path);
  }

  async rename(path: string, to: string): Promise<void> {
    this.planned.push({ action: 'rename', path, to });
  }

  async remove(path: string): Promise<void> {
    this.planned.push({ action: 'remove', path });
  }

  async cut(addresses: readonly string[]): Promise<void> {
    this.planned.push({ action: 'cut', addresses });
  }

  async heal(): Promise<void> {
    this.planned.push({ action: 'heal' });
  }

  cutFrom(): Promise<string[]> {
    return this.real.cutFrom();
  }

  clock(): Promise<Date> {
    return this.real.clock();
  }

  close(): Promise<void> {
    return this.real.close();
  }
}

class RecordingService implements Service {
  private readonly host: RecordingHost;
  private readonly real: Service;
  /** Defines through the recording host, so that the unit it would write is written down. */
  private readonly systemd: SystemdService;

  constructor(host: RecordingHost, real: Service) {
    this.host = host;
    this.real = real;
    this.systemd = new SystemdService(host);
  }

  define(definition: ServiceDefinition): Promise<boolean> {
    return this.systemd.define(definition);
  }

  private async record(action: 'start' | 'stop' | 'kill' | 'freeze' | 'thaw'): Promise<void> {
    this.host.planned.push({ action, unit: unitName });
  }

  start(): Promise<void> {
    return this.record('start');
  }

  stop(): Promise<void> {
    return this.record('stop');
  }

  kill(): Promise<void> {
    return this.record('kill');
  }

  freeze(): Promise<void> {
    return this.record('freeze');
  }

  thaw(): Promise<void> {
    return this.record('thaw');
  }

  status(): Promise<ServiceStatus> {
    return this.real.status();
  }

  logTail(lines: number): Promise<string[]> {
    return this.real.logTail(lines);
  }

  followLog(lines: number, signal: AbortSignal): AsyncIterable<string> {
    return this.real.followLog(lines, signal);
  }
}
