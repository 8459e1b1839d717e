/** What an EtcdClient is made from. */

/** PEM contents (not paths). */
export interface ClientTls {
  /** Certificate authorities to trust, instead of those of the system. */
  readonly ca?: string | Uint8Array | undefined;
  /** The client's own certificate with its chain, and its key. */
  readonly cert?: string | Uint8Array | undefined;
  readonly key?: string | Uint8Array | undefined;
  /** Accept any server certificate. For experiments only. */
  readonly insecureSkipVerify?: boolean | undefined;
  /** The name that server certificates must be valid for, instead of the endpoint's. */
  readonly serverName?: string | undefined;
}

export interface EtcdClientOptions {
  /** `host:port`, `http://…`, `https://…`, `unix://…`; at least one. Calls go round those that are connected. */
  readonly endpoints: readonly string[];
  readonly tls?: ClientTls | undefined;
  /** Name and password, exchanged for a token at the first call. */
  readonly user?: { readonly name: string; readonly password: string } | undefined;
  /** How long a call waits for any endpoint to be connected. Default 2,000. */
  readonly dialTimeoutMs?: number | undefined;
  /** Deadline of a call that brings none of its own, counted from the call. Default: none. */
  readonly requestTimeoutMs?: number | undefined;
  /** How often an unused connection is pinged, and how long the answer may take. At least 10,000; servers refuse more. */
  readonly keepaliveTimeMs?: number | undefined;
  readonly keepaliveTimeoutMs?: number | undefined;
  /** Largest request that is sent. Default 2 MiB, as upstream. */
  readonly maxRequestBytes?: number | undefined;
}

/** What one call may override. */
export interface CallOptions {
  /** Deadline of this call, from now; `Infinity` for none. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Ask exactly this one of the client's endpoints. */
  readonly endpoint?: string | undefined;
}
