/** Puts a server together from its configuration: listeners, member, API; and takes it apart again. */
import { clampBcryptCost, type TokenProvider, tokenProvider } from '../auth/mod.ts';
import { DataLock } from '../base/data-lock.ts';
import type { Logger } from '../base/logger.ts';
import { createGateway } from '../gateway/mod.ts';
import {
  clientRouter,
  type HttpHandler,
  mayOpenWebSocket,
  monitoringRouter,
  type WebSocketOptions,
  withAccessRule,
  withoutCommonNames,
} from '../http/mod.ts';
import type { MemberConfig } from '../member/config.ts';
import { Member } from '../member/member.ts';
import { Replica } from '../member/replica.ts';
import { Upkeep, type UpkeepConfig } from '../member/upkeep.ts';
import { serverVersion } from '../member/version.ts';
import { idToHex } from '../membership/mod.ts';
import { Metrics } from '../metrics/mod.ts';
import { createPeerServer, type PeerHandlers, type PeerServer } from '../peer/mod.ts';
import { Dispatcher, etcdMethods, grpcOverheadBytes, type Listener, openListener } from '../rpc/mod.ts';
import type { ServerTls } from '../tls/server-tls.ts';
import type { EtcdConfig } from './config.ts';
import { setUpTls, type TlsSetup } from './tls-setup.ts';
import type { EtcdUrl } from './urls.ts';
import { autoCompactionRetention, checkStartup, initialClusterOf } from './validate.ts';

/** How long snapshots may go on when the server stops, upstream's grace. */
const stopGraceMs = 7000;
/** How long unary calls may go on then: long enough for all that can still be answered. */
const callGraceMs = 1000;

export interface ServerEvents {
  /** The server cannot go on; the process must end with a failure. */
  onFatal(error: Error): void;
  /** The cluster has removed this member; the process is to end. */
  onRemoved(): void;
}

export class EtcdServer {
  private readonly config: EtcdConfig;
  private readonly logger: Logger;
  private readonly metrics = new Metrics();
  private readonly lock: DataLock;
  private clientListeners: { url: EtcdUrl; listener: Listener; kind: 'all' | 'grpc' | 'http' | 'metrics' }[] = [];
  private peerServers: PeerServer[] = [];
  private tls: TlsSetup = { client: undefined, peer: undefined };
  private replica: Replica | undefined;
  private upkeep: Upkeep | undefined;
  /** Raft's messages are for a member that runs; until then the peer port answers questions only. */
  private takesPart = false;
  private dispatcher: Dispatcher | undefined;
  private readonly stopping = new AbortController();
  /** Settles when `start` has opened what it opens, or has failed to. */
  private opening: Promise<unknown> = Promise.resolve();
  private stopped: Promise<void> | undefined;

  constructor(config: EtcdConfig, logger: Logger) {
    this.config = config;
    this.logger = logger;
    this.lock = new DataLock(config.dataDir, {
      log: logger.at('base/data-lock'),
      ...(config.walDir !== '' && { walDir: config.walDir }),
    });
  }

  /**
   * Starts the server. All sockets are bound before the data directory is touched, and clients are answered once the
   * member has made itself known to the cluster, which takes a leader (contract: api.md §5.3, "Ready order").
   *
   * @throws Error when something of the configuration, the certificates or the data directory cannot be used; what was
   *   opened is closed again
   */
  async start(events: ServerEvents): Promise<void> {
    const { logger } = this;
    checkStartup(this.config);
    const { authToken, authTokenTtlSeconds } = this.config;
    const tokens = tokenProvider(authToken, authTokenTtlSeconds * 1000, logger.at('auth/token-options'));
    try {
      this.tls = setUpTls(this.config, logger);
      const config = this.memberConfig(events, tokens);
      const opened = this.open(config, events);
      this.opening = opened.catch(() => undefined);
      const { replica, upkeep } = await opened;
      this.stopping.signal.throwIfAborted();
      this.takesPart = true;
      replica.start();
      logger.info('starting an etcd server', {
        'etcd-version': serverVersion,
        name: config.name,
        'data-dir': config.dataDir,
        'local-member-id': idToHex(replica.id),
        'cluster-id': idToHex(replica.clusterId),
        'initial-cluster': this.config.initialCluster,
      });
      await replica.publish(this.stopping.signal);
      this.stopping.signal.throwIfAborted();
      upkeep.start();
      this.serve(new Member(replica, config));
      logger.info('ready to serve client requests');
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Lets open calls end, hands leadership over, and closes everything. Can be called at any time, and twice. */
  stop(): Promise<void> {
    this.stopped ??= this.close();
    return this.stopped;
  }

  private async open(config: MemberConfig, events: ServerEvents): Promise<{ replica: Replica; upkeep: Upkeep }> {
    await this.bind();
    this.stopping.signal.throwIfAborted();
    const replica = await Replica.open(config, events);
    this.replica = replica;
    const upkeep = new Upkeep(replica, this.upkeepConfig(), config);
    this.upkeep = upkeep;
    this.stopping.signal.throwIfAborted();
    await upkeep.beforeStart();
    return { replica, upkeep };
  }

  private async close(): Promise<void> {
    this.stopping.abort(new Error('the server is stopping'));
    // What is being opened can only be closed when it is there.
    await this.opening;
    this.replica?.watches.close();
    this.dispatcher?.stop(callGraceMs);
    const listeners = this.clientListeners.splice(0);
    await Promise.all(listeners.map(({ listener }) => listener.close(stopGraceMs)));
    const { replica } = this;
    this.replica = undefined;
    this.upkeep?.stop();
    await replica?.handOver();
    await replica?.close();
    await this.lock.release();
    await Promise.all(this.peerServers.splice(0).map((server) => server.close()));
  }

  private async bind(): Promise<void> {
    const { config, logger } = this;
    const { tls } = this;
    const isSplit = config.listenClientHttpUrls.length > 0;
    const wanted = [
      ...config.listenClientUrls.map((url) => ({ url, kind: isSplit ? ('grpc' as const) : ('all' as const) })),
      ...config.listenClientHttpUrls.map((url) => ({ url, kind: 'http' as const })),
      ...config.listenMetricsUrls.map((url) => ({ url, kind: 'metrics' as const })),
    ];
    for (const { url, kind } of wanted) {
      const options = { tls: this.tlsFor(url, tls.client), logger: logger.at('rpc/listener') };
      const place = url.port === '' ? { host: url.hostname } : { host: url.hostname, port: Number(url.port) };
      const listener = await openListener({ ...place, reusePort: config.socketReusePort }, options);
      this.clientListeners.push({ url, listener, kind });
    }
    for (const { href } of config.listenPeerUrls) {
      const server = await createPeerServer({
        url: href,
        handlers: this.peerHandlers(),
        ...(tls.peer && { tls: tls.peer }),
        readTimeoutMs: config.raftReadTimeoutMs,
        log: (level, message, fields) => logger.at('peer')[level](message, fields),
      });
      this.peerServers.push(server);
    }
  }

  private tlsFor({ href, secure }: EtcdUrl, tls: ServerTls | undefined): ServerTls | undefined {
    if (secure) {
      if (tls !== undefined) return tls;
      throw new Error(
        `TLS key/cert (--cert-file, --key-file) must be provided for client url ${href} with HTTPS scheme`,
      );
    }
    if (tls !== undefined) {
      const message = 'scheme is HTTP or UNIX while key and cert files are present; ignoring key and cert files';
      this.logger.warn(message, { 'client-url': href });
    }
    return undefined;
  }

  /** The peer port answers from the moment it is bound; until the member is there, with an error. */
  private peerHandlers(): PeerHandlers {
    const replica = (): Replica => {
      if (this.replica === undefined) throw new Error('the member is not running');
      return this.replica;
    };
    return {
      get clusterId() {
        return replica().clusterId;
      },
      serverVersion,
      clusterVersion: () => this.replica?.cluster.version(),
      members: () => replica().cluster.members(),
      promoteMember: (id) => replica().reconfiguration.promoteHere(id),
      renewLease: async (id) => replica().leases.renewHere(id),
      leaseTimeToLive: async (id, keys) => replica().leases.timeToLiveHere(id, keys),
      hashKv: async (revision) => {
        const { hash, compactRevision, currentRevision } = await replica().hashes.kv(revision);
        return { hash, compactRevision, revision: currentRevision };
      },
      downgradeEnabled: async () => {
        await replica().reads.wait();
        return replica().cluster.downgrade().enabled;
      },
      raft: (request, response) => {
        if (!request.url?.startsWith('/raft')) return false;
        if (this.takesPart && this.replica !== undefined) {
          return this.replica.transport.requestHandler(request, response);
        }
        response.writeHead(503).end('member is not running\n');
        return true;
      },
    };
  }

  private memberConfig(events: ServerEvents, tokens: TokenProvider): MemberConfig {
    const { config } = this;
    return {
      name: config.name,
      dataDir: config.dataDir,
      lock: this.lock,
      ...(config.walDir !== '' && { walDir: config.walDir }),
      initialCluster: initialClusterOf(config),
      initialClusterToken: config.initialClusterToken,
      initialClusterState: config.initialClusterState,
      forceNewCluster: config.forceNewCluster,
      strictReconfigCheck: config.strictReconfigCheck,
      initialAdvertisePeerUrls: config.advertisePeerUrls.map(({ href }) => href),
      advertiseClientUrls: config.advertiseClientUrls.map(({ href }) => href),
      heartbeatMs: config.heartbeatIntervalMs,
      electionMs: config.electionTimeoutMs,
      preVote: config.preVote,
      initialElectionTickAdvance: config.initialElectionTickAdvance,
      snapshotCount: config.snapshotCount,
      snapshotCatchUpEntries: config.snapshotCatchUpEntries,
      maxWals: config.maxWalFiles,
      maxSnapshots: config.maxSnapshotFiles,
      unsafeNoFsync: config.unsafeNoFsync,
      quotaBackendBytes: config.quotaBackendBytes,
      backendBatchIntervalMs: config.backendBatchIntervalMs,
      backendBatchLimit: config.backendBatchLimit,
      bootstrapDefragThresholdMegabytes: config.bootstrapDefragThresholdMegabytes,
      compactionBatchRecords: config.compactionBatchLimit,
      compactionPauseMs: config.compactionSleepIntervalMs,
      warningApplyDurationMs: config.warningApplyDurationMs,
      maxTxnOps: config.maxTxnOps,
      maxRequestBytes: config.maxRequestBytes,
      leaseCheckpoint: config.leaseCheckpoint,
      leaseCheckpointPersist: config.leaseCheckpointPersist,
      tokens,
      bcryptCost: clampBcryptCost(config.bcryptCost),
      clientCertAuth: config.clientTls.clientCertAuth,
      ...(this.tls.peer && { peerTls: this.tls.peer }),
      log: this.logger,
      onDatabaseFailure: (error) => events.onFatal(error),
      observe: {
        ...this.metrics.storage,
        peer: this.metrics.peers,
        leases: this.metrics.leases,
      },
    };
  }

  private upkeepConfig(): UpkeepConfig {
    const { config } = this;
    const { initialCorruptCheck, corruptCheckTimeMs, compactHashCheckTimeMs, autoCompactionMode: mode } = config;
    const autoCompaction = { mode, retention: autoCompactionRetention(config) };
    return { initialCorruptCheck, corruptCheckTimeMs, compactHashCheckTimeMs, autoCompaction };
  }

  private serve(member: Member): void {
    const { config, logger, metrics } = this;
    const dispatcher = new Dispatcher({
      member,
      methods: etcdMethods(member, {
        watchProgressIntervalMs: config.watchProgressNotifyIntervalMs,
        maxRequestBytes: config.maxRequestBytes,
      }),
      logger: logger.at('rpc/dispatcher'),
      electionTimeoutMs: config.electionTimeoutMs,
    });
    this.dispatcher = dispatcher;
    metrics.attach(member, dispatcher.stats, config.metrics === 'extensive');
    const maxReceiveBytes = config.maxRequestBytes + grpcOverheadBytes;
    const routes = {
      member,
      ...(config.enableGrpcGateway && { gateway: createGateway({ handler: dispatcher.handle, maxReceiveBytes }) }),
      metrics: () => metrics.text(),
      requestTimeoutMs: stopGraceMs,
      logger: logger.at('http/router'),
      healthObserver: metrics.health,
    };
    const rule = { cors: config.cors, hostWhitelist: config.hostWhitelist };
    const namesRefused = config.enableGrpcGateway && config.clientTls.clientCertAuth;
    const client: HttpHandler = withoutCommonNames(
      () => namesRefused && member.isAuthEnabled(),
      withAccessRule(rule, clientRouter(routes)),
    );
    const webSocket: WebSocketOptions = {
      // As JSON, a message is longer.
      maxMessageBytes: 4 * maxReceiveBytes,
      isAllowed: (request) => mayOpenWebSocket(rule, request),
    };
    const http = { http: client, ...(config.enableGrpcGateway && { webSocket }) };
    const grpc = {
      handler: dispatcher.handle,
      maxReceiveBytes,
      maxConcurrentStreams: config.maxConcurrentStreams,
      keepalive: config.keepalive,
    };
    for (const { url, listener, kind } of this.clientListeners) {
      if (kind === 'metrics') listener.serve({ http: monitoringRouter(routes) });
      else listener.serve({ ...(kind !== 'http' && { grpc }), ...(kind !== 'grpc' && http) });
      const fields = { traffic: kind === 'all' ? 'grpc+http' : kind, address: url.host };
      if (url.secure) logger.info('serving client traffic securely', fields);
      else logger.info('serving client traffic insecurely; this is strongly discouraged!', fields);
    }
  }
}
