/** GET /metrics of one member, over a connection of its own: so the certificate is seen that it serves now. */
import { request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { readCounters } from './exposition.ts';
import type { Identity } from './identity.ts';
import type { Counters } from './observation.ts';

/** A member of either engine says about 160 KiB. */
const maxSizeBytes = 4 * 1024 * 1024;

/**
 * @param now milliseconds
 * @param timeoutMs for all of it
 * @throws Error if it cannot be read in time, whole, from who the certificate says it is
 */
export function fetchCounters(
  clientUrl: string,
  { ca, cert, key }: Identity,
  now: () => number,
  timeoutMs: number,
): Promise<Counters> {
  return new Promise((resolve, reject) => {
    const tls = Object.fromEntries(Object.entries({ ca, cert, key }).map(([name, pem]) => [name, pemOf(pem)]));
    const asked = request(`${clientUrl}/metrics`, { ...tls, agent: false, signal: AbortSignal.timeout(timeoutMs) });
    asked.once('error', reject);
    asked.once('response', (response) => {
      // Gone once the connection has ended.
      const certificate = servedCertificate(response.socket as TLSSocket);
      const pieces: Buffer[] = [];
      let sizeBytes = 0;
      response.on('data', (piece: Buffer) => {
        pieces.push(piece);
        sizeBytes += piece.length;
        if (sizeBytes > maxSizeBytes) response.destroy(new Error(`more than ${maxSizeBytes} bytes of metrics`));
      });
      response.once('error', reject);
      response.once('end', () => {
        if (response.statusCode !== 200) return reject(new Error(`/metrics: status ${response.statusCode}`));
        const counters = readCounters(Buffer.concat(pieces).toString('utf8'), now());
        resolve({ ...counters, ...(certificate && { certificate }) });
      });
    });
    asked.end();
  });
}

function pemOf(pem: string | Uint8Array | undefined): Buffer | undefined {
  return pem === undefined ? undefined : Buffer.from(pem);
}

function servedCertificate(socket: TLSSocket): Counters['certificate'] {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  return { serial: certificate.serialNumber, endsAtMs: certificate.validToDate.getTime() };
}
