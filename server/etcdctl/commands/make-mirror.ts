/** `etcdctl make-mirror` (contract: cli §6). */
import type { Command, Invocation } from '../../cli/command.ts';
import { logLine } from '../../cli/environment.ts';
import { badArgs, ExitCode, ExitError } from '../../cli/exit-error.ts';
import { flag } from '../../cli/flag-set.ts';
import { ProgressLine } from '../../cli/progress-line.ts';
import { type MirrorOptions, mirror } from '../../client/mod.ts';
import { destinationSettings } from '../client-settings.ts';
import { prefixEnd } from '../key-range.ts';
import { openSession, withClient } from '../session.ts';
import { exitCodeOf, withStopSignal } from '../stop-signal.ts';

/** How often the number of keys is printed, as upstream does. */
const reportMs = 30_000;
const everything = Buffer.of(0);

export const makeMirrorCommand: Command = {
  name: 'make-mirror',
  argumentsUsage: '[options] <destination>',
  short: 'Copies keys to another cluster and keeps the copy up to date',
  long: `Runs until it is stopped, and then says from which --rev to go on. Leases are not copied.`,
  flags: [
    flag.string('prefix', '', 'mirror the keys that begin with this; all if not given'),
    flag.int64('rev', 0n, 'copy nothing that is there, only what happens from this revision on'),
    flag.int64('max-txn-ops', 128n, 'operations in one transaction at the destination, at most'),
    flag.string('dest-prefix', '', 'what the keys begin with at the destination; as at the source if not given'),
    flag.bool('no-dest-prefix', false, 'take the prefix away at the destination'),
    flag.string('dest-cert', '', 'PEM file with the certificate for the destination'),
    flag.string('dest-key', '', 'PEM file with the key for the destination'),
    flag.string('dest-cacert', '', 'PEM file with the CAs of the destination'),
    flag.bool('dest-insecure-transport', true, 'do without TLS to the destination unless it is asked for'),
    flag.string('dest-user', '', 'name or name:password at the destination; asks for a missing password'),
    flag.string('dest-password', '', 'password at the destination, beside a --dest-user without one'),
  ],
  run: runMakeMirror,
};

async function runMakeMirror(invocation: Invocation): Promise<number> {
  const { args, io } = invocation;
  const [destination] = args;
  if (destination === undefined || args.length > 1) throw badArgs('make-mirror takes one destination argument');
  const range = mirroredRange(invocation);
  const { settings } = await openSession(invocation);
  const destinationClient = await destinationSettings(invocation, destination, settings);
  const progress = new ProgressLine(io);
  let mirrored = 0;
  let reached = 0;
  const onProgress = (count: number, revision: number): void => {
    [mirrored, reached] = [count, revision];
    progress.show(() => `${count} keys mirrored, up to revision ${revision}`);
  };
  const report = setInterval(() => io.stdout.write(`${mirrored}\n`), reportMs);
  return withStopSignal(async (signal) => {
    try {
      await withClient(invocation, settings, (from) =>
        withClient(invocation, destinationClient, (to) => mirror(from, to, { ...range, onProgress, signal })),
      );
      throw new ExitError(ExitCode.Error, 'the source has ended the watch');
    } catch (error) {
      progress.clear();
      const resume = { keys: mirrored, ...(reached > 0 && { 'go on with': `--rev=${reached + 1}` }) };
      logLine(io, 'info', 'mirroring has ended', resume);
      if (signal.aborted) return exitCodeOf(signal);
      throw error;
    } finally {
      clearInterval(report);
    }
  });
}

function mirroredRange({ flags }: Invocation): Omit<MirrorOptions, 'onProgress' | 'signal'> {
  const prefix = Buffer.from(flags.string('prefix'));
  const destinationPrefix = flags.string('dest-prefix');
  if (destinationPrefix !== '' && flags.bool('no-dest-prefix')) {
    throw badArgs('`--dest-prefix` and `--no-dest-prefix` cannot be set at the same time, choose one');
  }
  const maxTxnOps = flags.integer('max-txn-ops');
  if (maxTxnOps < 1) throw badArgs('--max-txn-ops must be at least 1');
  const replaced = flags.bool('no-dest-prefix') ? '' : destinationPrefix || flags.string('prefix');
  return {
    key: prefix.length === 0 ? everything : prefix,
    end: prefix.length === 0 ? everything : prefixEnd(prefix),
    prefixBytes: prefix.length,
    destinationPrefix: Buffer.from(replaced),
    fromRevision: Math.max(flags.integer('rev'), 0),
    maxTxnOps,
  };
}
