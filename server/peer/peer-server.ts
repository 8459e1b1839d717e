/** The listener of a peer URL: HTTP/1.1, plain or with mutual TLS (contract: disk-and-peer §8, api.md §4.3, §7). */
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type tls from 'node:tls';
import { splitHostPort } from '../membership/mod.ts';
import { describeCertificate } from '../tls/explain-certificate.ts';
import { HandshakeWatch, namesOf, type RefusedHandshake } from '../tls/refused-handshake.ts';
import { commonName, presentedChain } from '../tls/server-tls.ts';
import { checkClientAddress, type NameService, plainAddress } from './client-address.ts';
import { answerPeerRequest, type PeerHandlers } from './peer-endpoints.ts';
import type { TlsFiles } from './tls.ts';
import { type Log, reasonOf } from './types.ts';

export interface PeerServerOptions {
  /** Where to listen: scheme://host:port, port 0 for any. */
  url: string;
  handlers: PeerHandlers;
  /** Needed for an https URL, ignored with a warning for an http URL. */
  tls?: TlsFiles;
  /** To connect and hand-shake, to send headers, and between the pieces of a body; 5 s unless given. */
  readTimeoutMs?: number;
  nameService?: NameService;
  log?: Log;
}

export interface PeerServer {
  /** The URL it listens on, with the port that it got. */
  readonly url: string;
  /** Cuts all connections. @returns when the port is free */
  close(): Promise<void>;
}

/** A cluster has a few members with less than ten connections each. */
const maxConnections = 1000;

/**
 * Listens on a peer URL.
 *
 * @throws Error with upstream's text when the URL cannot be listened on, or is https without certificates
 */
export async function createPeerServer(options: PeerServerOptions): Promise<PeerServer> {
  const { url, log = () => undefined, readTimeoutMs = 5000 } = options;
  const { hostname, port, isTls } = listenAddress(url);
  if (isTls && options.tls === undefined) {
    throw new Error(
      `TLS key/cert (--peer-cert-file, --peer-key-file) must be provided for peer url ${url} with HTTPS scheme`,
    );
  }
  if (!isTls && options.tls !== undefined) {
    log('warn', 'scheme is HTTP while key and cert files are present; ignoring key and cert files', {
      'peer-url': url,
    });
  }
  const limits: http.ServerOptions = {
    headersTimeout: readTimeoutMs,
    keepAliveTimeout: readTimeoutMs,
    // A whole database may take long; each piece of a body has its deadline instead.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(1000, readTimeoutMs),
    noDelay: true,
  };
  const guard = new ConnectionGuard(options, log);
  const server =
    isTls && options.tls !== undefined
      ? secureServer(options.tls, limits, readTimeoutMs, guard, log)
      : http.createServer(limits);
  server.maxConnections = maxConnections;
  // Node's list of them lacks those in the middle of their TLS handshake: it would go on, and they would be served.
  const connections = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  server.on('request', (request, response) => {
    void guard.admits(request.socket).then(async (admitted) => {
      if (admitted) await answerPeerRequest(options.handlers, request, response, readTimeoutMs);
    });
  });
  await listen(server, hostname, port);
  const address = server.address() as AddressInfo;
  log('info', 'serving peer traffic', { address: `${address.address}:${address.port}` });
  const shownHost = hostname.includes(':') ? `[${hostname}]` : hostname;
  return {
    url: `${isTls ? 'https' : 'http'}://${shownHost}:${address.port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      guard.stop();
      server.closeAllConnections();
      for (const socket of connections) socket.destroy();
      await closed;
    },
  };
}

function listenAddress(url: string): { hostname: string; port: number; isTls: boolean } {
  const [, scheme = '', address = ''] = /^(https?):\/\/([^/]*)$/.exec(url) ?? [];
  const parts = splitHostPort(address);
  if (parts === undefined || !/^\d{1,5}$/.test(parts.port) || Number(parts.port) > 65535) {
    throw new Error(`cannot listen on peer URL ${url}: it must be http://HOST:PORT or https://HOST:PORT`);
  }
  return { hostname: parts.host, port: Number(parts.port), isTls: scheme === 'https' };
}

async function listen(server: http.Server | https.Server, hostname: string, port: number): Promise<void> {
  try {
    server.listen(port, hostname);
    await once(server, 'listening');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const reason = code === 'EADDRINUSE' ? 'bind: address already in use' : reasonOf(error);
    throw new Error(`listen tcp ${hostname}:${port}: ${reason}`, { cause: error });
  }
}

function secureServer(
  files: TlsFiles,
  limits: http.ServerOptions,
  handshakeTimeout: number,
  guard: ConnectionGuard,
  log: Log,
): https.Server {
  let current = files.serverOptions();
  const server = https.createServer({
    ...limits,
    ...current,
    handshakeTimeout,
    requestCert: files.demandsCertificate,
    rejectUnauthorized: files.demandsCertificate,
  });
  // Before Node takes the connection up, so that this very handshake has the certificate of now.
  server.prependListener('connection', (socket: Socket) => {
    try {
      const latest = files.serverOptions();
      if (latest !== current) server.setSecureContext(latest);
      current = latest;
    } catch (error) {
      guard.reject(socket, reasonOf(error));
      // Node has yet to take the socket up, and would stumble over a closed one.
      process.nextTick(() => socket.destroy());
    }
  });
  guard.watch(new HandshakeWatch(server, () => files.side()));
  server.on('secureConnection', (socket) => guard.inspect(socket));
  server.on('tlsClientError', (error, socket) => {
    guard.failed(error, socket);
    socket.destroy();
  });
  log('debug', 'peer TLS', { cert: files.config.certFile, 'client-cert-auth': files.demandsCertificate });
  return server;
}

/** Decides on each TLS connection whether its certificate may be used from where it comes. */
class ConnectionGuard {
  private readonly options: PeerServerOptions;
  private readonly log: Log;
  private readonly inspections = new WeakMap<Socket, Promise<boolean>>();
  private handshakes: HandshakeWatch | undefined;
  private isStopped = false;

  constructor(options: PeerServerOptions, log: Log) {
    this.options = options;
    this.log = log;
  }

  /** Whether requests on this connection may be answered; a plain one has nothing to show. */
  async admits(socket: Socket): Promise<boolean> {
    return (await this.inspections.get(socket)) ?? true;
  }

  inspect(socket: tls.TLSSocket): void {
    const inspection = this.objection(socket).then(
      (reason) => {
        if (reason === undefined) return true;
        this.reject(socket, ...reason);
        socket.destroy();
        return false;
      },
      (error: unknown) => {
        this.reject(socket, reasonOf(error));
        socket.destroy();
        return false;
      },
    );
    this.inspections.set(socket, inspection);
  }

  /** Looks at handshakes from now on: when one has failed, the socket does not know anything any more. */
  watch(handshakes: HandshakeWatch): void {
    this.handshakes = handshakes;
  }

  /** One line for each handshake that fails. */
  failed(error: Error, socket: tls.TLSSocket): void {
    // A handshake that this side has cut says nothing about the peer.
    if (this.isStopped) return;
    const refused = this.refusal(error, socket);
    if (refused.wasProbe) this.log('debug', 'connection closed before its handshake', refused.fields);
    else this.log('warn', 'rejected connection on peer endpoint', refused.fields);
  }

  /** Never throws: that would end the process over the words about a stranger's handshake. */
  private refusal(error: Error, socket: tls.TLSSocket): RefusedHandshake {
    const plain = { wasProbe: false, fields: { error: error.message } };
    try {
      return this.handshakes?.refused(error, socket, new Date()) ?? plain;
    } catch (cause) {
      return { ...plain, fields: { ...plain.fields, reason: `not known: ${reasonOf(cause)}` } };
    }
  }

  /**
   * One line for each connection that is refused after its handshake.
   *
   * @param error upstream's words @param reason plain ones, when they are others
   */
  reject(socket: Socket, error: string, reason?: string): void {
    const certificate = (socket as tls.TLSSocket).getPeerX509Certificate?.();
    this.log('warn', 'rejected connection on peer endpoint', {
      'remote-addr': this.handshakes?.addressOf(socket) ?? '',
      'server-name': (socket as tls.TLSSocket).servername || '',
      ...(certificate && namesOf(certificate)),
      error,
      ...(reason !== undefined && { reason }),
    });
  }

  /** Reports no handshakes that fail from now on. */
  stop(): void {
    this.isStopped = true;
  }

  /** @returns upstream's words, and plain ones that say which certificate and what to do */
  private async objection(socket: tls.TLSSocket): Promise<[error: string, reason: string] | undefined> {
    const config = this.options.tls?.config;
    const certificate = socket.getPeerX509Certificate();
    if (config === undefined || certificate === undefined) return undefined;
    const what = `the peer's ${describeCertificate(certificate)}`;
    const revoked = presentedChain(socket).find(({ serialNumber }) => config.isRevoked?.(serialNumber) === true);
    if (revoked !== undefined) {
      const error = `certificate serial ${revoked.serialNumber} is revoked`;
      return [error, `${what} is in the revocation list, or was issued by one that is`];
    }
    const failed = 'client certificate authentication failed';
    const { allowedCommonNames = [], allowedHostnames = [] } = config;
    if (allowedCommonNames.length > 0 && !allowedCommonNames.includes(commonName(certificate) ?? '')) {
      return [failed, `${what} has none of the allowed common names: ${allowedCommonNames.join(', ')}`];
    }
    if (allowedHostnames.length > 0 && !allowedHostnames.some((name) => certificate.checkHost(name) !== undefined)) {
      return [failed, `${what} is valid for none of the allowed names: ${allowedHostnames.join(', ')}`];
    }
    const { remoteAddress } = socket;
    if (config.skipClientSanVerification === true || remoteAddress === undefined) return undefined;
    const error = await checkClientAddress(certificate, remoteAddress, this.options.nameService);
    if (error === undefined) return undefined;
    const address = plainAddress(remoteAddress);
    const advice = `issue it with IP:${address} among its SANs, or set --experimental-peer-skip-client-san-verification`;
    return [error, `${what} is used from ${address}, which it is not for: ${advice}`];
  }
}
