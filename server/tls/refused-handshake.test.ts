import { Socket } from 'node:net';
import tls from 'node:tls';
import { expect, test } from 'vitest';
import { HandshakeWatch } from './refused-handshake.ts';

test('a handshake that cannot be explained, because the files of this side are gone, is still reported', () => {
  const server = tls.createServer();
  const watch = new HandshakeWatch(server, () => {
    throw new Error('cannot read key.pem: ENOENT');
  });
  const socket = new tls.TLSSocket(new Socket(), { isServer: true });
  expect(watch.refused(new Error('wrong version number'), socket, new Date())).toEqual({
    wasProbe: false,
    fields: {
      'remote-addr': ':0',
      'server-name': '',
      error: 'wrong version number',
      reason: 'the handshake failed, and the reason cannot be told: cannot read key.pem: ENOENT',
    },
  });
  socket.destroy();
});
