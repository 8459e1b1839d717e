/** What a command needs to talk to the cluster: a client, a printer, and words for what goes wrong. */
import type { Invocation } from '../cli/command.ts';
import { logLine } from '../cli/environment.ts';
import { ExitCode, ExitError } from '../cli/exit-error.ts';
import { describeRpcError, EtcdClient, type EtcdClientOptions, RpcError } from '../client/calls.ts';
import { Code } from '../errors/etcd-error.ts';
import { applyEnvironment, clientSettings } from './client-settings.ts';
import { printerFor } from './output/mod.ts';
import type { Printer } from './output/printer.ts';

/** How long each step of the search for a reason may take. */
const explainTimeoutMs = 1_000;

export interface Session {
  readonly settings: EtcdClientOptions;
  readonly printer: Printer;
}

/**
 * Settings and printer, before any connection; a format that does not exist is refused here (exit 4).
 *
 * @throws ExitError
 */
export async function openSession(invocation: Invocation, valueOnly = false): Promise<Session> {
  applyEnvironment(invocation);
  const { flags, io } = invocation;
  const printer = printerFor(flags.string('write-out'), io, { hex: flags.bool('hex'), valueOnly });
  return { printer, settings: await clientSettings(invocation) };
}

/**
 * Runs `use` with a client that is logged in, and closes it.
 *
 * @throws ExitError: 2 when the login is refused, 1 when a call fails
 */
export async function withClient<Result>(
  { io }: Invocation,
  settings: EtcdClientOptions,
  use: (client: EtcdClient) => Promise<Result>,
): Promise<Result> {
  const client = new EtcdClient(settings);
  try {
    if (settings.user !== undefined) await logIn(client);
    return await use(client);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    await explain(error, settings, io);
    throw new ExitError(ExitCode.Error, describeRpcError(error), error);
  } finally {
    client.close();
  }
}

async function logIn(client: EtcdClient): Promise<void> {
  try {
    await client.logIn();
  } catch (error) {
    throw new ExitError(ExitCode.BadConnection, describeRpcError(error), error);
  }
}

/** Says on stderr why no endpoint answered; upstream's client leaves it at the deadline. */
export async function explain(error: unknown, settings: EtcdClientOptions, io: Invocation['io']): Promise<void> {
  if (!(error instanceof RpcError)) return;
  if (error.code !== Code.DeadlineExceeded && error.code !== Code.Unavailable) return;
  if (error.message.startsWith('etcdserver: ')) return;
  // Only who has not got an answer waits for this to load.
  const { explainConnectFailure } = await import('../client/explain-connect-failure.ts');
  const reasons = await Promise.all(
    settings.endpoints.map((endpoint) => explainConnectFailure(endpoint, settings.tls, explainTimeoutMs)),
  );
  for (const reason of reasons) logLine(io, 'warn', 'no answer in time', { error: reason });
}
