/**
 * Tells systemd that the server is ready (contract: api.md §5.4), by its own `systemd-notify`: Node has no datagram
 * sockets on Unix paths, and a native addon would end the single executable.
 *
 * The message then comes from a child process. systemd takes it with `NotifyAccess=all` in the unit; `--pid` names the
 * server, which newer versions of systemd accept with `NotifyAccess=main` as well when the server runs as root.
 */
import { execFile } from 'node:child_process';
import type { Logger } from '../base/logger.ts';

export interface NotifyOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** How long the child may take. */
  readonly timeoutMs?: number;
  /** The program; `systemd-notify` on the PATH. */
  readonly program?: string;
}

/**
 * Sends `READY=1` to `$NOTIFY_SOCKET`. Does nothing when the variable is not set; a failure is logged and no more,
 * because the server serves all the same.
 *
 * @returns whether systemd was told
 */
export function notifyReady(options: NotifyOptions): Promise<boolean> {
  const { environment, logger, timeoutMs = 5_000, program = 'systemd-notify' } = options;
  const socket = environment.NOTIFY_SOCKET;
  if (socket === undefined || socket === '') return Promise.resolve(false);
  const env = { PATH: environment.PATH ?? '/usr/bin:/bin', NOTIFY_SOCKET: socket };
  return new Promise((resolve) => {
    execFile(program, ['--ready', `--pid=${process.pid}`], { env, timeout: timeoutMs }, (error, _stdout, stderr) => {
      if (error === null) {
        logger.info('successfully notified init daemon');
      } else {
        logger.warn('failed to notify init daemon of readiness', {
          error: error.code === 'ENOENT' ? `${program} is not installed` : stderr.trim() || error.message,
          advice: 'set Type=exec in the unit, or NotifyAccess=all and install systemd-notify',
        });
      }
      resolve(error === null);
    });
  });
}
