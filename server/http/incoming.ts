/** What HTTP/1.1 tells of a request before its body. */
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Incoming } from './exchange.ts';

export function incomingOf({ method, url, headers, socket }: IncomingMessage): Omit<Incoming, 'body' | 'signal'> {
  return {
    ...{ method: method ?? 'GET', target: url ?? '/', headers },
    secure: socket instanceof TLSSocket,
    ...(socket instanceof TLSSocket && {
      peerCertificate: () => (socket.authorized ? socket.getPeerX509Certificate() : undefined),
    }),
    remoteAddress: `${socket.remoteAddress ?? ''}:${socket.remotePort ?? ''}`,
  };
}
