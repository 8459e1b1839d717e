/** The values under /registry/ in the exercise about the static pod, read back by field numbers of k8s.io/api. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { scratchFolder } from '../../toolkit/testing/scratch.ts';
import { builtInExercises } from './catalogue.ts';

const encoder = path.join(builtInExercises, '19-static-pod/kubernetes.sh');

/** @returns the value that etcdctl is given, byte by byte */
function stored(call: string): Buffer {
  const folder = scratchFolder();
  writeFileSync(path.join(folder, 'etcdctl'), `#!/bin/sh\ncat > "${folder}/value"\n`, { mode: 0o755 });
  const env = { PATH: `${folder}:${process.env.PATH}` };
  execFileSync('bash', ['-euo', 'pipefail', '-c', `source "$1"; store /key "$(${call})"`, 'bash', encoder], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  expect(readdirSync(folder)).toContain('value');
  return readFileSync(path.join(folder, 'value'));
}

type Field = string | number | Fields;
type Fields = { [number: number]: Field };
/** What a field holds; a text unless it is said. */
type Shape = { readonly [number: number]: Shape };

function decode(bytes: Buffer, shape: Shape): Fields {
  let at = 0;
  const varint = (): number => {
    for (let [value, shift] = [0, 0]; ; shift += 7) {
      const byte = bytes.readUInt8(at++);
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  const fields: Fields = {};
  while (at < bytes.length) {
    const tag = varint();
    const number = tag >> 3;
    expect([0, 2]).toContain(tag & 7);
    if ((tag & 7) === 0) fields[number] = varint();
    else {
      const end = varint() + at;
      expect(end).toBeLessThanOrEqual(bytes.length);
      const content = bytes.subarray(at, end);
      at = end;
      fields[number] = number in shape ? decode(content, shape[number] as Shape) : content.toString();
    }
  }
  return fields;
}

const metadata: Shape = { 8: {}, 11: {} };
const id = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
const created = { 1: expect.toSatisfy((seconds: number) => Math.abs(Date.now() / 1000 - seconds) < 3600) };
const unknown = (object: Shape): Shape => ({ 1: {}, 2: object });
const labelled = (key: string, value: string) => ({ 1: key, 2: value });

it('a deployment: the wrapper of Kubernetes, and in it name, labels, replicas and container', () => {
  // More than 127 bytes: lengths of two bytes.
  const image = `registry.example/${'shop/'.repeat(30)}shop:1.2.3`;
  const value = stored(`deployment shop ${image} 300`);
  expect(value.subarray(0, 4).toString()).toBe('k8s\0');
  const pod = { 1: { 11: {} }, 2: { 2: {} } };
  const app = labelled('app', 'shop');
  expect(decode(value.subarray(4), unknown({ 1: metadata, 2: { 2: { 1: {} }, 3: pod } }))).toEqual({
    1: { 1: 'apps/v1', 2: 'Deployment' },
    2: {
      1: { 1: 'shop', 3: 'default', 5: id, 8: created, 11: app },
      2: { 1: 300, 2: { 1: app }, 3: { 1: { 11: app }, 2: { 2: { 1: 'shop', 2: image } } } },
    },
    3: '',
    4: '',
  });
});

it('a namespace and a node, which are in no namespace', () => {
  expect(decode(stored('namespace default').subarray(4), unknown({ 1: metadata, 2: {}, 3: {} }))).toMatchObject({
    1: { 1: 'v1', 2: 'Namespace' },
    2: {
      1: { 1: 'default', 5: id, 11: labelled('kubernetes.io/metadata.name', 'default') },
      2: { 1: 'kubernetes' },
      3: { 1: 'Active' },
    },
  });
  const node = decode(stored('node controlplane').subarray(4), unknown({ 1: metadata, 2: {} }));
  expect(node).toMatchObject({ 1: { 2: 'Node' }, 2: { 1: { 1: 'controlplane' }, 2: { 1: '10.244.0.0/24' } } });
  expect((node[2] as Fields)[1]).not.toHaveProperty('3');
});
