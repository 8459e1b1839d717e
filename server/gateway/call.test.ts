import { describe, expect, test } from 'vitest';
import { Code } from '../errors/etcd-error.ts';
import type { HttpResponse } from '../http/mod.ts';
import { reflection } from '../proto/gen/reflection.ts';
import { KVService, WatchService } from '../proto/gen/rpc.ts';
import type { MethodType } from '../proto/reflection.ts';
import { GatewayCall } from './call.ts';

/** A call whose client has sent `sent` and is silent from then on, until it goes. */
function start(path: string, sent = '') {
  const client = new AbortController();
  async function* body(): AsyncGenerator<Uint8Array> {
    if (sent !== '') yield Buffer.from(sent);
    await new Promise(() => {});
  }
  const request = {
    ...{ method: 'POST', path: '/v3/x', query: new URLSearchParams(), headers: {}, secure: false },
    ...{ remoteAddress: '127.0.0.1:1', body: body(), signal: client.signal },
  };
  const method = reflection.methods[path] as MethodType;
  const call = new GatewayCall(request, { path, method, timeoutMs: undefined, maxReceiveBytes: 1000 });
  return { call, client };
}

const canceled = { code: Code.Canceled, message: 'context canceled' };
const expired = { code: Code.DeadlineExceeded, message: 'context deadline exceeded' };
const malformed = Buffer.of(0xff);

async function text({ body }: HttpResponse): Promise<string> {
  return typeof body === 'string' ? body : (await Array.fromAsync(body)).join('');
}

describe('a call whose client is silent', () => {
  test.each([KVService.Range.path, WatchService.Watch.path])(
    'waits no longer for %s when the server ends it',
    async (path) => {
      const { call } = start(path, '{"key":');
      const message = call.message();
      call.finish(expired);
      await expect(message).rejects.toMatchObject(canceled);
      await expect(call.response).resolves.toMatchObject({ status: 504 });
      expect(call.signal.aborted).toBe(true);
    },
  );

  test('waits no longer when the client goes', async () => {
    const { call, client } = start(WatchService.Watch.path, '{"progress_request":{}}');
    expect(await call.message()).toBeInstanceOf(Uint8Array);
    const second = call.message();
    client.abort();
    await expect(second).rejects.toMatchObject(canceled);
  });

  test('is not read from any more once it is over', async () => {
    const { call } = start(WatchService.Watch.path);
    call.finish(expired);
    await expect(call.message()).rejects.toMatchObject(canceled);
  });
});

describe('an answer that cannot be given as JSON', () => {
  test('is an error, not silence', async () => {
    const { call } = start(KVService.Range.path);
    call.reply(malformed);
    const response = await call.response;
    expect(response.status).toBe(500);
    expect(JSON.parse(await text(response))).toMatchObject({
      code: Code.Internal,
      message: expect.stringMatching(/^the answer cannot be given as JSON: ./),
    });
  });

  test('is left to whoever sends it in a stream, who can still answer with an error', async () => {
    const { call } = start(WatchService.Watch.path);
    expect(() => call.send(malformed)).toThrow();
    call.finish({ code: Code.Unknown, message: 'defect' });
    await expect(call.response).resolves.toMatchObject({ status: 500 });
  });
});
