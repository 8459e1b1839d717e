/** Whom a cluster with authentication turns away: somebody with a good certificate who is no user of it. */
import { issue, PkiStore, systemSources } from '../../pki/mod.ts';
import { describeRpcError, EtcdClient, RpcError } from '../../server/client/mod.ts';
import { Code } from '../../server/errors/etcd-error.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';

export interface StrangersAnswer {
  /** Whether the server said no for want of rights; a failure of another kind refuses nobody. */
  isRefused: boolean;
  told: string;
}

const refusals: readonly number[] = [Code.PermissionDenied, Code.Unauthenticated];
const stranger = 'etcdlab-drill-stranger';
const validityMs = 10 * 60_000;

/**
 * Makes a client's certificate in memory, for a name that nobody has, and reads with it through one member.
 *
 * @returns what the stranger is told
 * @throws PkiError when the authority's key is not here, or encrypted
 */
export async function refusalOf(lab: Lab, member: string, signal: AbortSignal): Promise<StrangersAnswer> {
  const authority = await new PkiStore(lab.paths.pki).loadSigner('client-ca');
  if (authority === undefined) throw new Error('there is no authority that could certify a stranger');
  const request = { profile: 'client', commonName: stranger, organization: 'etcdlab', validityMs } as const;
  const { certificate, key } = issue(authority, request, systemSources);
  const tls = { ...lab.clientTlsMaterial(), cert: Buffer.from(certificate), key: Buffer.from(key) };
  const client = new EtcdClient({ endpoints: lab.endpoints(member), tls, requestTimeoutMs: 5000 });
  try {
    const { count } = await client.range({ key: Buffer.from('health') }, { signal });
    return { isRefused: false, told: `it is let in, and reads ${count} keys` };
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return { isRefused: refusals.includes(error.code), told: describeRpcError(error) };
  } finally {
    client.close();
  }
}
