/** A whole database to a member that is too far behind for the log: POST /raft/snapshot (contract: disk-and-peer §8). */
import { once } from 'node:events';
import type http from 'node:http';
import type { BackendSnapshot } from '../backend/backend.ts';
import { Message } from '../proto/gen/raft.ts';
import { type Dialer, readBody } from './dialer.ts';
import { type Identity, requestHeaders } from './headers.ts';
import { RefusedError } from './pipeline.ts';

export interface SnapshotSenderOptions {
  identity: Identity;
  dialer: Dialer;
  /** For the answer, once everything is sent. */
  responseTimeoutMs: number;
  signal: AbortSignal;
  onSent(bytes: number): void;
}

/**
 * Sends one snapshot, at the pace at which the receiver stores it. Does not close `database`.
 *
 * @throws RefusedError when the receiver does not want it; Error when the connection breaks or stalls
 */
export async function sendSnapshot(
  url: string,
  message: Message,
  database: BackendSnapshot,
  options: SnapshotSenderOptions,
): Promise<void> {
  const request = options.dialer.open(url, {
    method: 'POST',
    path: '/raft/snapshot',
    headers: { ...requestHeaders(options.identity), 'Content-Type': 'application/octet-stream' },
    ownConnection: true,
    signal: options.signal,
  });
  const answered = answerOf(request);
  // Awaited below; until then a failure must not count as unhandled.
  answered.catch(() => undefined);
  try {
    await Promise.race([writeBody(request, message, database, options.onSent), answered]);
    // A store on a slow disk may take its time over the last fsync.
    request.socket?.setTimeout(options.responseTimeoutMs);
    const answer = await answered;
    if (answer.status !== 204) throw new RefusedError(answer.status, answer.text);
  } finally {
    request.destroy();
  }
}

function answerOf(request: http.ClientRequest): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.once('close', () => reject(new Error('connection closed before the answer')));
    request.once('response', (response) => {
      readBody(response, 4096)
        .then((body) => resolve({ status: response.statusCode ?? 0, text: body.toString() }))
        .catch(reject);
    });
  });
}

async function writeBody(
  request: http.ClientRequest,
  message: Message,
  database: BackendSnapshot,
  onSent: (bytes: number) => void,
): Promise<void> {
  const head = Message.encode(message);
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(head.length));
  request.write(length);
  request.write(head);
  for await (const chunk of database.chunks()) {
    if (request.destroyed) return;
    if (!request.write(chunk)) await drained(request);
    onSent(chunk.length);
  }
  // Ended before all is there, the transfer would pass for a whole database.
  if (!request.destroyed) request.end();
}

async function drained(request: http.ClientRequest): Promise<void> {
  const closed = new AbortController();
  const stop = () => closed.abort();
  request.once('close', stop);
  try {
    await once(request, 'drain', { signal: closed.signal });
  } catch (error) {
    if (!closed.signal.aborted) throw error;
  } finally {
    request.off('close', stop);
  }
}
