/** One endpoint and the gRPC channel to it. */
import { type ChannelOptions, Client, connectivityState, credentials } from '@grpc/grpc-js';
import type { EtcdClientOptions } from './client-options.ts';
import { parseEndpoint } from './endpoint-address.ts';
import { TlsCredentials } from './tls-credentials.ts';

export class Connection {
  readonly endpoint: string;
  readonly grpc: Client;
  private connecting: Promise<void> | undefined;

  /** @throws Error when the endpoint or the certificates cannot be read */
  constructor(endpoint: string, options: EtcdClientOptions) {
    const { target, host, tls } = parseEndpoint(endpoint);
    this.endpoint = endpoint;
    const secure = tls === 'yes' || (tls === 'if-configured' && options.tls !== undefined);
    // A unix socket has no name of its own; Go checks the certificate against `localhost` then.
    const channelCredentials = secure
      ? new TlsCredentials(options.tls ?? {}, host ?? 'localhost')
      : credentials.createInsecure();
    this.grpc = new Client(target, channelCredentials, channelOptions(options));
  }

  get isReady(): boolean {
    return this.grpc.getChannel().getConnectivityState(false) === connectivityState.READY;
  }

  /** Connects, again and again with a growing pause, until it works or the connection is closed. Never rejects. */
  whenReady(): Promise<void> {
    this.connecting ??= new Promise<void>((resolve) => {
      const channel = this.grpc.getChannel();
      const check = (): void => {
        const state = channel.getConnectivityState(true);
        if (state === connectivityState.READY || state === connectivityState.SHUTDOWN) resolve();
        else channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, check);
      };
      check();
    }).finally(() => {
      this.connecting = undefined;
    });
    return this.connecting;
  }

  close(): void {
    this.grpc.close();
  }
}

function channelOptions(options: EtcdClientOptions): ChannelOptions {
  return {
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    // A server closes a connection that is pinged more often than every 5 s.
    'grpc.keepalive_time_ms': Math.max(options.keepaliveTimeMs ?? 10_000, 10_000),
    'grpc.keepalive_timeout_ms': options.keepaliveTimeoutMs ?? 6_000,
    // A member that restarts is back within a second or two; gRPC's own pauses grow to two minutes.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2_000,
    // `close` must close the connection, not hand it to a process-wide pool.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_http_proxy': 0,
    'grpc-node.flow_control_window': 1024 * 1024,
  };
}
