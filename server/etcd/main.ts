/** The `etcd` program: from arguments to a running server, and to the exit status that supervisors know. */
import type { Logger, LogRecord } from '../base/logger.ts';
import { readCommandLine, thisSystem } from './command-line.ts';
import { openLog, stderrLogger } from './logger.ts';
import { notifyReady } from './sd-notify.ts';
import { EtcdServer } from './start.ts';

/**
 * Runs etcd until it is stopped by a signal, removed from its cluster or cannot go on. Ends the process by itself, as
 * upstream does: after SIGTERM or SIGINT by that very signal (contract: api.md §5.4).
 */
export async function runEtcd(args: readonly string[]): Promise<void> {
  const command = readCommandLine(args, thisSystem());
  if (command.kind === 'exit') {
    const logger = stderrLogger();
    say(logger, command.log);
    process.stdout.write(command.stdout);
    process.stderr.write(command.stderr);
    process.exitCode = command.exitCode;
    return;
  }
  const log = openLog(command.config.log);
  const logger = log.logger.at('etcd/main');
  say(logger, command.log);

  const server = new EtcdServer(command.config, logger);
  const end = (message: string, error: Error | string): never => {
    logger.fatal(message, { error });
    log.close();
    process.exit(1);
  };
  process.on('uncaughtException', (error) => end('uncaught exception', error));
  process.on('unhandledRejection', (error) => end('unhandled rejection', error as Error));
  stopOnSignals(server, logger);
  try {
    await server.start({
      onFatal: (error) => end('the member cannot go on', error),
      onRemoved: () => {
        stopped = true;
        void server.stop().then(() => process.exit(0));
      },
    });
  } catch (error) {
    if (stopped) return;
    end('discovery failed', isMistakeOfOurs(error) ? error : (error as Error).message);
  }
  await notifyReady({ environment: process.env, logger });
}

/** A start fails for settings, files and ports, which words describe best; a stack trace is for errors of this program. */
function isMistakeOfOurs(error: unknown): error is Error {
  return [TypeError, RangeError, ReferenceError, SyntaxError].some((type) => error instanceof type);
}

/** Writes what was found to say before there was a log. */
function say(logger: Logger, records: readonly LogRecord[]): void {
  for (const { level, caller, msg, fields } of records) {
    const speaker = logger.at(caller);
    if (level === 'dpanic' || level === 'panic') speaker.fatal(msg, fields);
    else speaker[level](msg, fields);
  }
}

/** Longer than open calls and a hand-over may take; shorter than supervisors wait before they kill. */
const stopDeadlineMs = 10_000;

let stopped = false;

/** The first signal stops the server in order, and then ends the process as the signal would have; a second one does so at once. */
function stopOnSignals(server: EtcdServer, logger: Logger): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const die = (): void => {
      // The init process of a container is not killed by its own signal.
      if (process.pid === 1) process.exit(0);
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    };
    process.on(signal, () => {
      if (stopped) {
        die();
        return;
      }
      stopped = true;
      logger.info('received signal; shutting down', { signal: signal === 'SIGINT' ? 'interrupt' : 'terminated' });
      logger.info('closing etcd server');
      // Everything acknowledged is durable by now: a stop that hangs may be cut short.
      setTimeout(() => {
        logger.error('did not stop in order in time', { 'timeout-ms': stopDeadlineMs });
        die();
      }, stopDeadlineMs).unref();
      server
        .stop()
        .catch((error: Error) => logger.error('failed to stop in order', { error }))
        .finally(() => {
          logger.info('closed etcd server');
          die();
        });
    });
  }
}
