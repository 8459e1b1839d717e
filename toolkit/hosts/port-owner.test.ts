import { existsSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bindError, listeningInodes, portOwner } from './port-owner.ts';

const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:094B 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0000000000000000
   1: 0100007F:094C 0100007F:094B 01 00000000:00000000 00:00000000 00000000  1000        0 12346 1 0000000000000000
   2: 00000000:094B 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12347 1 0000000000000000
`;

async function listener(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

describe('a port', () => {
  it('is listened on by the sockets in state LISTEN, not by those connected to it', () => {
    expect(listeningInodes(table, 2379)).toEqual(['12345', '12347']);
    expect(listeningInodes(table, 2380)).toEqual([]);
    expect(listeningInodes('', 2379)).toEqual([]);
  });

  it('cannot be bound while another socket listens on it', async () => {
    const port = await listener();
    expect(await bindError('127.0.0.1', port)).toBe('EADDRINUSE');
    expect(await bindError('127.0.0.1', 0)).toBeUndefined();
    expect(await bindError('192.0.2.1', 0)).toBe('EADDRNOTAVAIL');
  });

  it.skipIf(!existsSync('/proc/net/tcp'))('is traced to the process that listens on it', async () => {
    const port = await listener();
    expect(await portOwner(port)).toMatchObject({ pid: process.pid, command: expect.stringContaining('node') });
  });
});
