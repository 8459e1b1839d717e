/** `etcdctl elect` (contract: cli §3). */
import type { Command, Invocation } from '../../cli/command.ts';
import { badArgs, ExitCode, ExitError } from '../../cli/exit-error.ts';
import { flag } from '../../cli/flag-set.ts';
import { clientLineStore, type EtcdClient, LeaseSession } from '../../client/mod.ts';
import { campaign, observeLeader } from '../../concurrency/mod.ts';
import { RangeResponse, type ResponseHeader } from '../../proto/gen/rpc.ts';
import type { Printer } from '../output/printer.ts';
import { openSession, withClient } from '../session.ts';
import { stopped, withStopSignal } from '../stop-signal.ts';

/** Upstream's time to live of sessions. */
const ttlSeconds = 60;

export const electCommand: Command = {
  name: 'elect',
  argumentsUsage: '<election-name> [proposal]',
  short: 'Stands for election with a proposal, or prints who is elected',
  long: 'The one who is elected stays so until it is stopped. With -l, prints each leader and each of its proposals.',
  flags: [flag.bool('listen', false, 'print leaders instead of becoming one', 'l')],
  run: runElect,
};

async function runElect(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const [name, proposal] = args;
  if (name === undefined || args.length > 2) {
    throw badArgs('elect takes one election name argument and an optional proposal argument');
  }
  const listens = flags.bool('listen');
  if (listens && proposal !== undefined) throw badArgs('proposal given but -l is set');
  if (!listens && proposal === undefined) throw badArgs('no proposal argument but -l not set');
  const { settings, printer } = await openSession(invocation);
  return withStopSignal((stop) =>
    withClient(invocation, settings, async (client) => {
      if (proposal === undefined) await listen(client, name, printer, stop);
      else await stand(client, { name, proposal }, printer, stop);
      return ExitCode.Success;
    }),
  );
}

async function stand(
  client: EtcdClient,
  { name, proposal }: { name: string; proposal: string },
  printer: Printer,
  stop: AbortSignal,
): Promise<void> {
  const session = await LeaseSession.open(client, ttlSeconds);
  try {
    const candidate = { lease: session.lease, value: Buffer.from(proposal) };
    const { place } = await campaign(clientLineStore(client), Buffer.from(name), candidate, stop);
    printer.get(await client.range({ key: place.key }));
    await Promise.race([stopped(stop), session.lost]);
    if (!stop.aborted) throw new ExitError(ExitCode.Error, 'elect: session expired');
  } finally {
    // Leadership goes with the lease; if it cannot be ended now, it ends by itself.
    await session.close().catch(() => undefined);
  }
}

async function listen(client: EtcdClient, name: string, printer: Printer, stop: AbortSignal): Promise<void> {
  const { header } = await client.range({ key: Buffer.from(name), count_only: true });
  try {
    for await (const { kv, revision } of observeLeader(clientLineStore(client), Buffer.from(name), stop)) {
      const at: ResponseHeader | undefined = header && { ...header, revision };
      printer.get(RangeResponse.create({ header: at, kvs: [kv] }));
    }
  } catch (error) {
    if (!stop.aborted) throw error;
  }
}
