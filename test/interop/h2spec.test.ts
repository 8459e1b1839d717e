/** Our HTTP/2 under its conformance suite, h2spec (RFC 7540 and 7541), with and without TLS. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { ServerSession, type ServerStream } from '../../server/h2/mod.ts';
import { TestPki } from '../../server/tls/testing/test-pki.ts';
import { findH2spec } from '../support/h2spec.ts';
import { runCommand } from '../support/test-cluster.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Answers when it has the whole request, as the suite expects it: some cases send more on a stream that still waits. */
function answer(stream: ServerStream) {
  return {
    data: (bytes: Uint8Array) => stream.consumed(bytes.length),
    end: () => {
      stream.respond([{ name: ':status', value: '200' }]);
      stream.data(Buffer.from('an answer'), true);
    },
    reset: () => {},
    drain: () => {},
  };
}

function serve(socket: Socket): void {
  new ServerSession(socket, {
    accept: answer,
    maxConcurrentStreams: 100,
    streamWindowBytes: 65_536,
    connectionWindowBytes: 1024 * 1024,
    maxHeaderListBytes: 65_536,
    setupTimeoutMs: 10_000,
  });
}

/** A certificate of a CA that h2spec is told not to ask about. */
function tlsOptions(): { cert: string; key: string; ALPNProtocols: string[] } {
  const directory = mkdtempSync(path.join(tmpdir(), 'etcdlab-h2spec-'));
  try {
    const { certificate, key } = new TestPki(directory).server();
    return { cert: certificate, key, ALPNProtocols: ['h2'] };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test.skipIf(findH2spec() === undefined).each([
  ['without TLS', () => createServer(serve), []],
  ['over TLS', () => createTlsServer(tlsOptions(), serve), ['-t', '-k']],
] as const)('HTTP/2 is followed to the letter %s', async (_how, create, flags) => {
  const server = create();
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const args = ['-h', '127.0.0.1', '-p', String(port), '-o', '10', ...flags];
  const { stdout, exitCode } = await runCommand(findH2spec() as string, args);
  const [, all, passed] = /(\d+) tests, (\d+) passed/.exec(stdout) ?? [];
  expect(passed, stdout).toBe(all);
  expect(Number(passed)).toBeGreaterThan(140);
  expect(exitCode).toBe(0);
});
