import fc from 'fast-check';
import { expect, test } from 'vitest';
import { framed, MessageReader } from './message-reader.ts';

test('messages come out as they went in, wherever the wire cuts them', () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 });
  fc.assert(
    fc.property(messages, fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), (sent, cuts) => {
      const wire = Buffer.concat(sent.map(framed));
      const reader = new MessageReader();
      const received: Buffer[] = [];
      for (let at = 0, i = 0; at < wire.length; i++) {
        const end = Math.min(wire.length, at + (cuts[i % cuts.length] as number));
        reader.push(wire.subarray(at, end), (message) => received.push(Buffer.from(message)));
        at = end;
      }
      expect(received).toEqual(sent.map((message) => Buffer.from(message)));
    }),
  );
});
