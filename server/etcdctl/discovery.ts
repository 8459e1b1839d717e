/** Endpoints from DNS: `_etcd-client-ssl._tcp` and `_etcd-client._tcp` of a domain (contract: cli §1.1). */
import { promises as dns, type SrvRecord } from 'node:dns';
import { ExitCode, ExitError } from '../cli/exit-error.ts';
import type { CliIo } from '../cli/io.ts';

export interface Discovery {
  readonly domain: string;
  /** Tells clusters of one domain apart; may be empty. */
  readonly service: string;
  /** Whether http endpoints are taken. */
  readonly insecure: boolean;
}

const services = [
  { name: 'etcd-client-ssl', scheme: 'https' },
  { name: 'etcd-client', scheme: 'http' },
] as const;

/**
 * The endpoints that the domain's SRV records name, those with TLS first.
 *
 * @param resolveSrv asks DNS
 * @throws ExitError (1) when there is no record of either kind
 */
export async function discoverEndpoints(
  { domain, service, insecure }: Discovery,
  io: CliIo,
  resolveSrv: (name: string) => Promise<SrvRecord[]> = dns.resolveSrv,
): Promise<string[]> {
  const endpoints: string[] = [];
  const failures: string[] = [];
  for (const { name, scheme } of services) {
    const full = `_${name}${service === '' ? '' : `-${service}`}._tcp.${domain}`;
    try {
      const records = await resolveSrv(full);
      for (const { name: host, port } of inOrder(records)) {
        endpoints.push(`${scheme}://${host.replace(/\.$/, '')}:${port}`);
      }
    } catch (error) {
      failures.push(`error querying DNS SRV records for ${full}: ${(error as Error).message}`);
    }
  }
  if (endpoints.length === 0)
    throw new ExitError(ExitCode.Error, failures.join('; ') || `${domain} names no endpoints`);
  if (insecure) return endpoints;
  const isInsecure = (endpoint: string): boolean => endpoint.startsWith('http://');
  for (const endpoint of endpoints.filter(isInsecure)) {
    io.stderr.write(`ignoring discovered insecure endpoint "${endpoint}"\n`);
  }
  return endpoints.filter((endpoint) => !isInsecure(endpoint));
}

/** Lowest priority number first, heaviest first among equals. */
function inOrder(records: readonly SrvRecord[]): SrvRecord[] {
  return [...records].sort((a, b) => a.priority - b.priority || b.weight - a.weight);
}
