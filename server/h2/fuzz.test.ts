import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Flag, FrameType } from './protocol.ts';
import { RawClient } from './testing/raw-client.ts';

/** Frames that are nearly right: types, flags and streams that meet, payloads that are often of a right size. */
const frame = fc.record({
  type: fc.oneof({ weight: 9, arbitrary: fc.nat({ max: 9 }) }, { weight: 1, arbitrary: fc.nat({ max: 255 }) }),
  flags: fc.oneof(fc.constantFrom(0, 1, 4, 5, 8, 0x20, 0x2d), fc.nat({ max: 255 })),
  streamId: fc.oneof(fc.constantFrom(0, 1, 3, 5), fc.nat({ max: 0x7fffffff })),
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(4, 5, 6, 8).map((size) => new Uint8Array(size).fill(1)),
  ),
});

test('no frames of a client bring the server down, and none of its streams stays behind', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { maxLength: 40 }), fc.boolean(), async (frames, hasRequest) => {
      let open = 0;
      const client = new RawClient((stream) => {
        open++;
        stream.respond([{ name: ':status', value: '200' }]);
        return {
          data: (bytes) => {
            stream.consumed(bytes.length);
            stream.data(bytes);
          },
          end: () => stream.data(Buffer.from('end'), true),
        };
      }).begin();
      if (hasRequest) client.request(1, [], false);
      for (const { type, flags, streamId, payload } of frames) client.frame(type, flags, streamId, payload);
      await client.settle();
      // Either it goes on to serve, or it has said why not.
      if (client.isClosed) expect(client.errorOf(0)).toBeTypeOf('number');
      client.close();
      await client.settle();
      expect(client.session.openStreams).toBe(0);
      expect(client.session.outbound.queuedBytes).toBe(0);
      expect(open).toBeGreaterThanOrEqual(hasRequest ? 1 : 0);
    }),
    { numRuns: 300 },
  );
});

test('no bytes at all bring it down', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }),
      fc.boolean(),
      async (reads, begun) => {
        const client = new RawClient();
        if (begun) client.begin();
        for (const bytes of reads) client.write(bytes);
        await client.settle();
        client.close();
        await client.settle();
        expect(client.session.openStreams).toBe(0);
      },
    ),
    { numRuns: 100 },
  );
});

test('a request in the middle of noise is answered as long as the noise is legal', async () => {
  const client = new RawClient((stream) => ({ end: () => stream.respond([{ name: ':status', value: '204' }], true) }));
  client.begin();
  client.frame(42, 0xff, 77, Buffer.from('unknown')).frame(FrameType.PRIORITY, 0, 9, Buffer.from([0, 0, 0, 1, 1]));
  client.frame(FrameType.PING, Flag.ACK, 0, Buffer.alloc(8)).number(FrameType.WINDOW_UPDATE, 0, 5);
  await client.request(1).settle();
  expect(client.answers()).toEqual([{ streamId: 1, fields: [':status: 204'], isEnd: true }]);
  client.close();
});
