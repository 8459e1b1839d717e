/**
 * What provisioning and drills may do to a machine. A member of the cluster lives on one host; whether that is a
 * process on this machine, a virtual machine or a server behind SSH is the business of the classes beside this file.
 *
 * All paths are absolute paths on the host. Every method that waits has a deadline of its own.
 */

/**
 * Who does something on a host. `member`: the user that etcd runs as. `root`: the administrator, by sudo. `login`: the
 * user who is logged in. A local host has one user, who is all of them.
 */
export type HostUser = 'member' | 'root' | 'login';

export interface RunOptions {
  /** Default `member`. */
  readonly as?: HostUser;
  /** The command changes nothing, so that a dry run carries it out as well. */
  readonly readOnly?: boolean;
  readonly input?: string | Uint8Array;
  /** Added to the host's own environment. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  /** Default 60,000. A command that takes longer is killed and `run` throws LAB_COMMAND_TIMEOUT. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface RunResult {
  /** 128 + the signal's number if a signal ended the command, as a shell reports it. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

/** What the host's service manager runs. */
export interface ServiceDefinition {
  readonly executable: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /**
   * A digest of everything the process reads once, when it starts (configuration, trusted CAs, its executable).
   * `status` tells which one the running process was started with, and so whether it must be restarted.
   */
  readonly revision: string;
}

/**
 * - `running`: alive.
 * - `frozen`: alive, but stopped by SIGSTOP: it holds its ports and answers nobody.
 * - `exited`: it was started and is gone, and nobody asked it to stop: it crashed, was killed, or the machine rebooted.
 * - `stopped`: not started, or stopped on request.
 */
export type ServiceState = 'running' | 'frozen' | 'exited' | 'stopped';

export interface ServiceStatus {
  readonly state: ServiceState;
  /** Present while alive. */
  readonly pid?: number;
  /** When the process was started; present unless `stopped`. */
  readonly startedAt?: Date;
  /** `revision` of the definition that the process was started with; present while alive. */
  readonly revision?: string;
}

export interface StopOptions {
  /** How long the process may take after SIGTERM until SIGKILL follows. Default 15,000. */
  readonly graceMs?: number;
}

/** The one service of a host: its etcd member. */
export interface Service {
  /**
   * Tells the service manager what to run. Does not start, restart or stop anything.
   * @returns whether it differs from what was defined before
   */
  define(definition: ServiceDefinition): Promise<boolean>;
  /** Starts the service; nothing happens if it is alive. It outlives this process. @throws LabError LAB_SERVICE_UNDEFINED, LAB_SERVICE_START */
  start(): Promise<void>;
  /** SIGTERM, then SIGKILL after the grace period; returns when the process is gone. Nothing happens if it is not alive. */
  stop(options?: StopOptions): Promise<void>;
  /** SIGKILL, as a crash would end it; returns when the process is gone, and `status` then says `exited`. */
  kill(): Promise<void>;
  /** SIGSTOP: the process keeps its connections and answers nobody. */
  freeze(): Promise<void>;
  /** SIGCONT. */
  thaw(): Promise<void>;
  status(): Promise<ServiceStatus>;
  /** @returns the last `lines` lines of the service's log, oldest first; none if it never ran */
  logTail(lines: number): Promise<string[]>;
  /**
   * Follows the log until the signal fires: first the last `lines` lines, then each line as it is written.
   */
  followLog(lines: number, signal: AbortSignal): AsyncIterable<string>;
}

/** A file as it is to be on a host. */
export interface HostFile {
  readonly path: string;
  readonly content: string | Uint8Array;
  /** Permission bits, default 0600. */
  readonly mode?: number;
}

export interface Host {
  /** The node's name in lab.yaml. */
  readonly name: string;
  readonly kind: 'local' | 'ssh' | 'vagrant';
  readonly service: Service;

  /**
   * Runs a command to its end, without a shell.
   * @throws LabError LAB_COMMAND_START (not found, not executable), LAB_COMMAND_TIMEOUT, LAB_INTERRUPTED, LAB_HOST_UNREACHABLE; a
   *   non-zero exit code is a result, not an error
   */
  run(file: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;

  /**
   * Writes a file so that it is either the old or the new one, whole and durable, at any time. Makes missing parent
   * directories (mode 0700).
   * @param mode permission bits, default 0600
   * @param owner default `member`
   */
  putFile(path: string, content: string | Uint8Array, mode?: number, owner?: HostUser): Promise<void>;
  /**
   * Writes files that belong together, such as a key and its certificate, in one directory: none takes its name before
   * all are written and durable, and then all do, one right after the other. Whatever is interrupted before, the old
   * ones stay. Makes missing directories as `putFile`. The owner is `member`.
   */
  putFiles(files: readonly HostFile[]): Promise<void>;
  /** @returns the content, or undefined if there is no such file @throws LabError LAB_FILE_TOO_LARGE above 64 MiB */
  getFile(path: string): Promise<Uint8Array | undefined>;
  /** Copies a file of this machine to the host, of any size, with the guarantees of `putFile`. */
  upload(localPath: string, path: string, mode?: number, owner?: HostUser, signal?: AbortSignal): Promise<void>;
  /** Copies a file of the host to this machine, of any size, atomically. @param mode default 0600 */
  download(path: string, localPath: string, mode?: number): Promise<void>;
  exists(path: string): Promise<boolean>;
  /** @returns the sorted names in a directory; none if it is not there */
  list(path: string): Promise<string[]>;
  /** Makes the directory and its parents; no error if it is there. @param mode default 0700 @param owner default `member` */
  makeDirectory(path: string, mode?: number, owner?: HostUser): Promise<void>;
  /** Renames a file or directory on the same file system, durably. @throws LabError LAB_FILE if `to` exists or `from` does not */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, or a directory with all that is in it; no error if it is not there. */
  remove(path: string): Promise<void>;

  /**
   * Lets no packet pass between this host and the given addresses, in either direction, until `heal` or a reboot.
   * Whoever controls the host still reaches it. Replaces an earlier cut.
   * @param addresses IPv4, at least one
   * @throws LabError LAB_NOT_SUPPORTED if the host has no network of its own, or nothing to cut it with
   */
  cut(addresses: readonly string[]): Promise<void>;
  /** Takes a cut back; nothing happens if there is none. */
  heal(): Promise<void>;
  /** @returns the addresses that the host is cut from, sorted; none if it is not cut */
  cutFrom(): Promise<string[]>;

  /** @returns the host's own idea of the time */
  clock(): Promise<Date>;
  /** Releases connections to the host. The service goes on. */
  close(): Promise<void>;
}
