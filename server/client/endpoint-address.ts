/** How a client endpoint is written, and what it stands for. */

/** Where an endpoint is. `tls`: `yes` and `no` come from its scheme, `if-configured` is for a bare host:port. */
export interface EndpointAddress {
  /** What gRPC dials: `host:port`, `[v6]:port` or `unix:path`. */
  readonly target: string;
  /** Undefined for a unix socket. */
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly socketPath: string | undefined;
  readonly tls: 'yes' | 'no' | 'if-configured';
}

/**
 * Reads `host:port` or a http, https, unix or unixs URL. As with upstream, `http` means no TLS even if certificates
 * are configured, and a bare `host:port` means TLS exactly if they are (contract: cli §1.1).
 *
 * @throws Error when it is none of these
 */
export function parseEndpoint(endpoint: string): EndpointAddress {
  const scheme = /^([a-z][a-z0-9+.-]*):(?:\/\/)?/i.exec(endpoint);
  const schemeName = scheme?.[1]?.toLowerCase() ?? '';
  if (schemeName === 'unix' || schemeName === 'unixs') {
    const path = endpoint.slice(scheme?.[0].length ?? 0);
    if (path === '') throw new Error(`endpoint "${endpoint}" names no socket`);
    const target = `unix:${path}`;
    const tls = schemeName === 'unixs' ? 'yes' : 'if-configured';
    return { target, host: undefined, port: undefined, socketPath: path, tls };
  }
  const isUrl = endpoint.includes('://');
  if (isUrl && schemeName !== 'http' && schemeName !== 'https') {
    throw new Error(`endpoint "${endpoint}": scheme "${schemeName}" is not one of http, https, unix, unixs`);
  }
  const authority = isUrl ? endpoint.slice(endpoint.indexOf('://') + 3).replace(/[/?#].*$/, '') : endpoint;
  const parts = /^(?:\[([0-9a-f:.]+(?:%[\w.-]+)?)\]|([^:/[\]]+)):(\d{1,5})$/i.exec(authority);
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3]);
  if (host === undefined || !(port <= 65535)) {
    throw new Error(`endpoint "${endpoint}" is not of the form host:port or https://host:port`);
  }
  const tls = !isUrl ? 'if-configured' : schemeName === 'https' ? 'yes' : 'no';
  return { target: authority, host, port, socketPath: undefined, tls };
}
