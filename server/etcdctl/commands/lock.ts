/** `etcdctl lock` (contract: cli §3). */
import type { Command, Invocation } from '../../cli/command.ts';
import { logLine } from '../../cli/environment.ts';
import { badArgs, ExitCode, ExitError } from '../../cli/exit-error.ts';
import { flag } from '../../cli/flag-set.ts';
import { clientLineStore, type EtcdClient, LeaseSession } from '../../client/mod.ts';
import { acquireLock, type HeldLock } from '../../concurrency/mod.ts';
import { runProgram } from '../run-program.ts';
import { openSession, withClient } from '../session.ts';
import { stopped, withStopSignal } from '../stop-signal.ts';

export const lockCommand: Command = {
  name: 'lock',
  argumentsUsage: '<lockname> [exec-command arg1 arg2 ...]',
  short: 'Takes a lock, and holds it until it is stopped or a command has ended',
  long: `Waits until nobody else has the lock. The command finds ETCD_LOCK_KEY and ETCD_LOCK_REV in its environment, and its
exit code becomes that of lock.`,
  flags: [flag.int64('ttl', 10n, 'seconds that the lock outlives this process if it dies')],
  run: runLock,
};

async function runLock(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const [name, ...exec] = args;
  if (name === undefined) throw badArgs('lock takes a lock name argument and an optional command to execute');
  const { settings, printer } = await openSession(invocation);
  return withStopSignal((stop) =>
    withClient(invocation, settings, async (client) => {
      const session = await LeaseSession.open(client, flags.integer('ttl'));
      // The lock goes with the lease, however this ends; if it cannot be ended now, it ends by itself.
      const release = (): Promise<void> => session.close();
      try {
        const held = await acquireLock(clientLineStore(client), Buffer.from(name), session.lease, stop);
        if (exec.length > 0) return await runHolding(exec, held, session, invocation);
        printer.get(await keyOf(client, held));
        await Promise.race([stopped(stop), session.lost]);
        if (!stop.aborted) throw new ExitError(ExitCode.Error, 'session expired');
        return ExitCode.Success;
      } finally {
        await release().catch(() => undefined);
      }
    }),
  );
}

async function keyOf(client: EtcdClient, { place: { key } }: HeldLock) {
  const response = await client.range({ key });
  if (response.kvs.length === 0) throw new ExitError(ExitCode.Error, 'lock lost on init');
  return response;
}

/** @returns the command's exit code; signals are the command's to answer */
async function runHolding(
  exec: readonly string[],
  { place, header }: HeldLock,
  session: LeaseSession,
  { io }: Invocation,
): Promise<number> {
  const env = {
    ...io.env,
    ETCD_LOCK_KEY: Buffer.from(place.key).toString(),
    ETCD_LOCK_REV: `${header?.revision ?? 0}`,
  };
  let hasEnded = false;
  void session.lost.then(() => {
    if (!hasEnded) logLine(io, 'warn', 'the lock is lost, and the command still runs', { command: exec[0] });
  });
  const { exitCode, failure } = await runProgram(exec, env, io);
  hasEnded = true;
  if (failure === undefined) return ExitCode.Success;
  io.stderr.write(`Error: ${failure}\n`);
  // As Go has it for a program that died by a signal, and etcdctl for one that could not be started.
  return exitCode ?? (failure.startsWith('signal: ') ? 255 : ExitCode.Error);
}
