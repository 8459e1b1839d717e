/** The server's front on a free port of loopback, with a fake member behind it, and clients for it. */
import { once } from 'node:events';
import { Agent, get as httpGet } from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import { type ChannelCredentials, Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import type { Logger } from '../../base/logger.ts';
import { createGateway } from '../../gateway/mod.ts';
import { clientRouter, type HttpRequest, mayOpenWebSocket, withAccessRule } from '../../http/mod.ts';
import { Metrics } from '../../metrics/mod.ts';
import type { MethodDefinition } from '../../proto/wire.ts';
import type { ServerTls } from '../../tls/server-tls.ts';
import { Dispatcher, etcdMethods, grpcOverheadBytes, type Listener, type Method, openListener } from '../mod.ts';
import { FakeMember } from './fake-member.ts';

export interface TestServerOptions {
  readonly logger: Logger;
  readonly tls?: ServerTls;
  readonly methods?: readonly Method[];
  readonly electionTimeoutMs?: number;
  readonly keepalive?: { minTimeMs: number; intervalMs: number; timeoutMs: number };
  readonly slowRequestMs?: number;
  readonly kind?: 'all' | 'grpc' | 'http';
  /** Origins; all unless given. */
  readonly cors?: readonly string[];
}

export class TestServer {
  readonly member = new FakeMember();
  readonly metrics = new Metrics();
  readonly dispatcher: Dispatcher;
  readonly listener: Listener;
  private readonly clients: Client[] = [];

  private constructor(listener: Listener, options: TestServerOptions) {
    const { member, metrics } = this;
    const {
      logger,
      methods = etcdMethods(member),
      electionTimeoutMs = 1000,
      slowRequestMs = 0,
      kind = 'all',
    } = options;
    this.listener = listener;
    this.dispatcher = new Dispatcher({ member, methods, logger, electionTimeoutMs, slowRequestMs });
    metrics.attach(member, this.dispatcher.stats, true);
    const rule = { cors: options.cors ?? ['*'], hostWhitelist: ['*'] };
    const http = withAccessRule(
      rule,
      clientRouter({
        ...{ member, logger, requestTimeoutMs: 200, healthObserver: metrics.health },
        gateway: createGateway({ handler: this.dispatcher.handle, maxReceiveBytes: 1_572_864 + grpcOverheadBytes }),
        metrics: () => metrics.text(),
      }),
    );
    const webSocket = {
      maxMessageBytes: 100_000,
      isAllowed: (request: Pick<HttpRequest, 'headers' | 'secure'>) => mayOpenWebSocket(rule, request),
    };
    const grpc = {
      handler: this.dispatcher.handle,
      maxReceiveBytes: 1_572_864 + grpcOverheadBytes,
      maxConcurrentStreams: 1000,
      keepalive: options.keepalive ?? { minTimeMs: 5000, intervalMs: 0, timeoutMs: 20_000 },
    };
    listener.serve({ ...(kind === 'http' ? {} : { grpc }), ...(kind === 'grpc' ? {} : { http, webSocket }) });
  }

  static async start(options: TestServerOptions): Promise<TestServer> {
    const { logger, tls } = options;
    const listener = await openListener({ host: '127.0.0.1', port: 0 }, { logger, tls, handshakeTimeoutMs: 60_000 });
    return new TestServer(listener, options);
  }

  get address(): string {
    return `127.0.0.1:${this.listener.port}`;
  }

  client(channel: ChannelCredentials = credentials.createInsecure()): Client {
    const client = new Client(this.address, channel, {
      ...{
        'grpc.use_local_subchannel_pool': 1,
        'grpc.ssl_target_name_override': 'localhost',
        'grpc.max_receive_message_length': -1,
      },
    });
    this.clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.close();
    await this.listener.close(0);
  }
}

/** Calls a unary method as a client of the generated code would. */
export function call<Request, Response>(
  client: Client,
  { path, request, response }: MethodDefinition<Request, Response>,
  message: Partial<Request>,
  { metadata = {}, deadlineMs }: { metadata?: Record<string, string>; deadlineMs?: number } = {},
): Promise<Response> {
  const headers = new Metadata();
  for (const [name, value] of Object.entries(metadata)) headers.set(name, value);
  const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      (value: Request) => Buffer.from(request.encode(value)),
      (bytes) => response.decode(bytes),
      request.create(message),
      headers,
      options,
      (error: ServiceError | null, value) => (error === null ? resolve(value as Response) : reject(error)),
    );
  });
}

/** One GET on a connection of its own. */
export async function get(
  target: string,
  options: https.RequestOptions = {},
): Promise<{ status: number; body: string }> {
  const request = (target.startsWith('https') ? https.get : httpGet)(target, { agent: new Agent(), ...options });
  const [response] = await once(request, 'response');
  return { status: response.statusCode, body: await text(response) };
}
