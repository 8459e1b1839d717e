import { expect, test } from 'vitest';
import { newMember } from '../membership/mod.ts';
import { askPeers } from './peer-hashes.ts';

const answer = { revision: 9, hash: 7, compactRevision: 3 };

function ask(fetchHashKv: (url: string, clusterId: bigint, revision: number) => Promise<typeof answer>) {
  const members = [
    newMember({ id: 1n, peerURLs: ['http://a:2380'] }),
    newMember({ id: 2n, peerURLs: ['http://b1:2380', 'http://b2:2380'] }),
    newMember({ id: 3n, peerURLs: [] }),
  ];
  return askPeers({ localId: 1n, clusterId: 5n, client: { fetchHashKv }, members: () => members }, 8);
}

test('all other members are asked, and a member’s second URL when its first does not answer', async () => {
  const asked: unknown[] = [];
  const hashes = await ask(async (...question) => {
    asked.push(question);
    if (question[0] === 'http://b1:2380') throw new Error('connection refused');
    return answer;
  });
  expect(asked).toEqual([
    ['http://b1:2380', 5n, 8],
    ['http://b2:2380', 5n, 8],
  ]);
  expect(hashes).toEqual([
    { id: 2n, answer },
    { id: 3n, answer: new Error('the member has no peer URL') },
  ]);
});

test('a member that answers at none of its URLs is reported with the last failure', async () => {
  const hashes = await ask((url) => Promise.reject(new Error(`${url} is down`)));
  expect(hashes[0]).toEqual({ id: 2n, answer: new Error('http://b2:2380 is down') });
});
