import { readFileSync, statSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { type StartedMembers, startMembers } from './testing/start-members.ts';

let members: StartedMembers | undefined;
afterEach(() => members?.close());

function post(url: string, body: string, options: https.RequestOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = https.request(url, { method: 'POST', agent: false, ...options }, (response) => {
      text(response).then(resolve, reject);
    });
    request.once('error', reject).end(body);
  });
}

test('members find and serve each other with certificates that each has made for itself', async () => {
  members = await startMembers(2, 'https', ['--auto-tls', '--peer-auto-tls', '--self-signed-cert-validity=2']);
  const { directory, clientUrls } = members;
  const file = (name: string, ...rest: string[]) => path.join(directory, name, 'fixtures', ...rest);
  await post(`${clientUrls[0]}/v3/kv/put`, '{"key":"YQ==","value":"Yg=="}', {
    ca: readFileSync(file('m1', 'client', 'cert.pem')),
  });
  const answer = await post(`${clientUrls[1]}/v3/kv/range`, '{"key":"YQ=="}', {
    ca: readFileSync(file('m2', 'client', 'cert.pem')),
  });
  expect(JSON.parse(answer)).toMatchObject({ kvs: [{ key: 'YQ==', value: 'Yg==' }] });
  for (const side of ['client', 'peer']) expect(statSync(file('m1', side, 'key.pem')).mode & 0o777).toBe(0o600);
});
