import { describe, expect, test } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import type { Cluster } from '../membership/mod.ts';
import { Publication, type PublicationOptions } from './publication.ts';

const own = { name: 'm1', clientURLs: ['http://127.0.0.1:2379'] };
/** A loop without a pause comes to an end here, and the test can say so. */
const enough = 1000;

let asked = 0;

function publication(more: Partial<PublicationOptions> = {}): Publication {
  asked = 0;
  return new Publication({
    localId: 1n,
    ...own,
    cluster: () => ({ id: 2n, member: () => own }) as unknown as Cluster,
    propose: async () => {
      if (++asked < enough) throw new Error('etcdserver: too many requests');
    },
    hasEnded: () => false,
    log: silentLogger,
    ...more,
  });
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a publication that is refused at once, again and again', () => {
  test('leaves the event loop to others, and ends when the member is told to stop', async () => {
    const stopping = new AbortController();
    const running = publication().run(stopping.signal);
    await turn();
    const before = asked;
    expect(before).toBeLessThan(enough);
    stopping.abort(new Error('stopped'));
    await expect(running).rejects.toThrow('stopped');
    expect(asked).toBe(before);
  });

  test('is tried again, until it is taken', async () => {
    const refusedOnce = async () => {
      if (++asked === 1) throw new Error('etcdserver: too many requests');
    };
    await publication({ propose: refusedOnce }).run(new AbortController().signal);
    expect(asked).toBe(2);
  });

  test('ends when the attributes come with a snapshot', async () => {
    const refused = publication();
    const running = refused.run(new AbortController().signal);
    await turn();
    refused.installed();
    await running;
    expect(asked).toBeLessThan(enough);
  });

  test('ends when the member does', async () => {
    let ended = false;
    const running = publication({ hasEnded: () => ended }).run(new AbortController().signal);
    await turn();
    ended = true;
    await expect(running).rejects.toThrow('does not run any more');
  });
});
