/** A client with the flags and variables of the v2 tool (contract: cli §8). */
import type { Invocation } from '../../cli/command.ts';
import { badArgs, ExitError } from '../../cli/exit-error.ts';
import { flag } from '../../cli/flag-set.ts';
import { EtcdClient, type EtcdClientOptions, RpcError } from '../../client/calls.ts';
import { clientTlsFromFiles } from '../client-settings.ts';
import { explain } from '../session.ts';
import { NodeStore } from './node-store.ts';
import { V2Error } from './v2-error.ts';

export const v2Flags = [
  flag.bool('debug', false, 'accepted for compatibility'),
  flag.bool('no-sync', false, 'accepted; endpoints are never asked for others'),
  flag.string('output', 'simple', 'output format: simple, extended or json', 'o'),
  flag.stringSlice('endpoints', [], 'members to talk to, as URLs'),
  flag.stringSlice('endpoint', [], 'older name of --endpoints'),
  flag.stringSlice('peers', [], 'oldest name of --endpoints'),
  flag.string('cert-file', '', 'PEM file with the certificate of this client'),
  flag.string('key-file', '', 'PEM file with the key of this client'),
  flag.string('ca-file', '', 'PEM file with the CAs that server certificates must be issued by'),
  flag.string('username', '', 'name:password to log in with', 'u'),
  flag.duration('timeout', 2_000, 'longest wait for a connection'),
  flag.duration('total-timeout', 5_000, 'longest time that a command may take'),
];

const defaultEndpoints = ['http://127.0.0.1:2379', 'http://127.0.0.1:4001'];

/** Exit codes of the v2 tool that the v3 tool does not have. */
export const v2ExitCodes = { unreachable: 2, api: 4 } as const;

export function v2Settings({ flags, io }: Invocation): EtcdClientOptions {
  const setting = (name: string, variable: string): string => flags.string(name) || io.env[variable] || '';
  const given = ['endpoints', 'endpoint', 'peers']
    .map((name) => flags.stringSlice(name))
    .find((urls) => urls.length > 0);
  const { ETCDCTL_ENDPOINTS, ETCDCTL_ENDPOINT, ETCDCTL_PEERS } = io.env;
  const fromEnvironment = (ETCDCTL_ENDPOINTS || ETCDCTL_ENDPOINT || ETCDCTL_PEERS || '').split(',').filter(Boolean);
  const [name = '', ...password] = setting('username', 'ETCDCTL_USERNAME').split(':');
  if (name !== '' && password.length === 0) throw badArgs('--username needs a password: name:password');
  return {
    endpoints: given ?? (fromEnvironment.length > 0 ? fromEnvironment : defaultEndpoints),
    tls: clientTlsFromFiles({
      cert: setting('cert-file', 'ETCDCTL_CERT_FILE'),
      key: setting('key-file', 'ETCDCTL_KEY_FILE'),
      ca: setting('ca-file', 'ETCDCTL_CA_FILE'),
    }),
    user: name === '' ? undefined : { name, password: password.join(':') },
    dialTimeoutMs: flags.duration('timeout'),
    requestTimeoutMs: flags.duration('total-timeout'),
  };
}

/** Runs `use` on the tree of nodes. @throws ExitError with the v2 tool's exit codes */
export async function withNodes<T>(invocation: Invocation, use: (nodes: NodeStore) => Promise<T>): Promise<T> {
  const settings = v2Settings(invocation);
  const client = new EtcdClient(settings);
  try {
    return await use(new NodeStore(client));
  } catch (error) {
    if (error instanceof V2Error) throw v2Failure(v2ExitCodes.api, error.message);
    if (!(error instanceof RpcError)) throw error;
    await explain(error, settings, invocation.io);
    throw v2Failure(v2ExitCodes.unreachable, `client: etcd cluster is unavailable or misconfigured; ${error.message}`);
  } finally {
    client.close();
  }
}

/** The v2 tool writes two spaces behind "Error:". */
export function v2Failure(exitCode: number, message: string): ExitError {
  return new ExitError(exitCode as ExitError['exitCode'], ` ${message}`);
}
