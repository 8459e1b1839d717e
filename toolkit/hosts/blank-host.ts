/** A machine on which there is nothing yet, and nothing can be done: what is rendered for people starts from it. */
import { LabError } from '../errors.ts';
import type { Host, RunOptions, RunResult, Service, ServiceStatus } from './host.ts';

function impossible(): LabError {
  return new LabError('LAB_NOT_SUPPORTED', 'nothing can be done to a machine that is only imagined');
}

const service: Service = {
  define: () => Promise.reject(impossible()),
  start: () => Promise.reject(impossible()),
  stop: () => Promise.reject(impossible()),
  kill: () => Promise.reject(impossible()),
  freeze: () => Promise.reject(impossible()),
  thaw: () => Promise.reject(impossible()),
  status: async (): Promise<ServiceStatus> => ({ state: 'stopped' }),
  logTail: async () => [],
  followLog: () => ({ [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }) }),
};

export class BlankHost implements Host {
  readonly name: string;
  readonly kind = 'ssh';
  readonly service = service;

  constructor(name: string) {
    this.name = name;
  }

  /** Whatever is asked for is not there. */
  async run(_file: string, _args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    if (options.readOnly !== true) throw impossible();
    return { exitCode: 1, stdout: '', stderr: '', durationMs: 0 };
  }

  async getFile(): Promise<undefined> {
    return undefined;
  }

  async exists(): Promise<boolean> {
    return false;
  }

  async list(): Promise<string[]> {
    return [];
  }

  async cutFrom(): Promise<string[]> {
    return [];
  }

  async clock(): Promise<Date> {
    return new Date();
  }

  async heal(): Promise<void> {
    // Nothing is cut.
  }

  async close(): Promise<void> {
    // Nothing is open.
  }

  putFile = (): Promise<void> => Promise.reject(impossible());
  putFiles = (): Promise<void> => Promise.reject(impossible());
  upload = (): Promise<void> => Promise.reject(impossible());
  download = (): Promise<void> => Promise.reject(impossible());
  makeDirectory = (): Promise<void> => Promise.reject(impossible());
  rename = (): Promise<void> => Promise.reject(impossible());
  remove = (): Promise<void> => Promise.reject(impossible());
  cut = (): Promise<void> => Promise.reject(impossible());
}
