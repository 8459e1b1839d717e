/** What clients send: gRPC's frames, whatever pieces they come in, and the messages within; damaged, they are refused. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EtcdError } from '../../../server/errors/etcd-error.ts';
import * as rpc from '../../../server/proto/gen/rpc.ts';
import { WireError } from '../../../server/proto/wire.ts';
import { decompress, frameMessage, MessageAssembler, parseTimeout } from '../../../server/rpc/messages.ts';
import { damaged, damages, fuzzRuns, withinMemory, withinTime } from './damage.ts';

const maxBytes = 64 * 1024;
/** Far below what a damaged length can claim, and beyond what the test runner reads to show where an error is from. */
const memoryLimitBytes = 1024 * 1024;

const samples = [
  rpc.PutRequest.encode(rpc.PutRequest.create({ key: Buffer.from('k'), value: Buffer.alloc(300, 'v'), lease: 7n })),
  rpc.TxnRequest.encode(
    rpc.TxnRequest.create({
      compare: [rpc.Compare.create({ key: Buffer.from('k'), version: 3 })],
      success: [rpc.RequestOp.create({ request_range: rpc.RangeRequest.create({ key: Buffer.from('k') }) })],
    }),
  ),
  rpc.WatchRequest.encode(
    rpc.WatchRequest.create({ create_request: rpc.WatchCreateRequest.create({ key: Buffer.from('a'), watch_id: 3n }) }),
  ),
  new Uint8Array(0),
];
const sequence = fc.array(fc.constantFrom(...samples), { minLength: 1, maxLength: 5 });
/** Where a stream is cut into pieces, as fractions of its length. */
const cuts = fc.array(fc.nat(999), { maxLength: 8 });

function pieces(stream: Buffer, at: readonly number[]): Buffer[] {
  const ends = at.map((each) => Math.floor((each * stream.length) / 1000)).sort((a, b) => a - b);
  return [...ends, stream.length].map((end, i) => stream.subarray(ends[i - 1] ?? 0, end));
}

/** What comes out of a stream: its messages, and how it ended. */
function assemble(parts: readonly Buffer[]): string[] {
  const assembler = new MessageAssembler(maxBytes);
  const seen: string[] = [];
  const take = (): void => {
    for (let raw = assembler.take(); raw !== undefined; raw = assembler.take()) {
      seen.push(`${raw.compressed ? 'compressed ' : ''}${Buffer.from(raw.bytes).toString('hex')}`);
    }
  };
  try {
    for (const part of parts) {
      assembler.push(part);
      take();
    }
    seen.push(assembler.hasPartial ? 'in the middle' : 'complete');
  } catch (error) {
    expect(error).toBeInstanceOf(EtcdError);
    expect((error as Error).message).toMatch(/^grpc: received (unexpected payload format|message larger than max)/);
    take();
    seen.push((error as Error).message);
  }
  return seen;
}

describe('gRPC frames', () => {
  test('come out as they went in, whatever pieces they come in', () => {
    const property = fc.property(sequence, cuts, (messages, at) => {
      const stream = Buffer.concat(messages.map(frameMessage));
      expect(assemble(pieces(stream, at))).toEqual([
        ...messages.map((message) => Buffer.from(message).toString('hex')),
        'complete',
      ]);
    });
    fc.assert(property, { numRuns: fuzzRuns });
  });

  test('that are damaged are read or refused, the same in whatever pieces they come', async () => {
    const endings = new Set<string>();
    const property = fc.property(sequence, damages, cuts, (messages, changes, at) => {
      const stream = damaged(Buffer.concat(messages.map(frameMessage)), changes);
      const whole = withinTime(() => assemble([stream]));
      expect(withinTime(() => assemble(pieces(stream, at)))).toEqual(whole);
      endings.add((whole.at(-1) as string).replace(/ [\d(].*/, ''));
    });
    await withinMemory(memoryLimitBytes, () => fc.assert(property, { numRuns: fuzzRuns }));
    expect(endings.size).toBe(4);
  });
});

describe('a compressed message', () => {
  const original = Buffer.from(samples[0] as Uint8Array);
  const compressed = gzipSync(original);

  test('that is damaged is undone or refused', async () => {
    let refused = 0;
    const property = fc.asyncProperty(damages, async (changes) => {
      try {
        expect((await decompress(damaged(compressed, changes), 'gzip', maxBytes)).length).toBeLessThanOrEqual(maxBytes);
      } catch (error) {
        expect(error).toBeInstanceOf(EtcdError);
        refused++;
      }
    });
    await fc.assert(property, { numRuns: fuzzRuns / 2 });
    expect(refused).toBeGreaterThan(0);
  });

  test('of a thousand times its size ends at the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(1000 * maxBytes));
    await expect(decompress(bomb, 'gzip', maxBytes)).rejects.toThrow('after decompression larger than max');
  });
});

type Codec = { decode(bytes: Uint8Array): unknown };
const codecs = Object.entries(rpc).filter(
  (each): each is [string, never] & [string, Codec] =>
    typeof each[1] === 'object' && typeof (each[1] as Partial<Codec>).decode === 'function',
);

test(`every message of the API (${codecs.length}) decodes any bytes, or refuses them with the place`, async () => {
  expect(codecs.length).toBeGreaterThan(80);
  const decode = ([, codec]: [string, Codec], bytes: Uint8Array): void => {
    try {
      withinTime(() => codec.decode(bytes));
    } catch (error) {
      expect(error).toBeInstanceOf(WireError);
    }
  };
  const which = fc.constantFrom(...codecs);
  const changed = fc.property(which, fc.constantFrom(...samples), damages, (codec, sample, changes) =>
    decode(codec, damaged(sample, changes)),
  );
  const anything = fc.property(which, fc.uint8Array({ maxLength: 200 }), (codec, bytes) => decode(codec, bytes));
  await withinMemory(memoryLimitBytes, () => {
    fc.assert(changed, { numRuns: 2 * fuzzRuns });
    fc.assert(anything, { numRuns: 2 * fuzzRuns });
  });
});

test('any grpc-timeout is a number of milliseconds, or refused', () => {
  const unit = fc.constantFrom('H', 'M', 'S', 'm', 'u', 'n', 'x', '');
  const text = fc.oneof(
    fc.string(),
    fc.tuple(fc.nat({ max: 10 ** 10 }), unit).map(([n, u]) => `${n}${u}`),
  );
  const property = fc.property(text, (given) => {
    try {
      expect(parseTimeout(given)).toBeGreaterThanOrEqual(0);
    } catch (error) {
      expect(error).toBeInstanceOf(EtcdError);
    }
  });
  fc.assert(property, { numRuns: fuzzRuns });
});
