import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LabError } from '../errors.ts';
import { nodeStates } from '../provision/machines/node-states.ts';
import { parseConfig } from './config-file.ts';

const parse = (text: string) => parseConfig(text, 'lab.yaml', '/labs');

/** @returns what is said about a description that is refused */
function problems(text: string): string[] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof LabError) return error.details.length > 0 ? [...error.details] : [error.message];
    throw error;
  }
  return [];
}

describe('machines in lab.yaml', () => {
  it('need addresses of their own, one machine a node', () => {
    expect(problems('provider: ssh\nnodes: [{ name: a }, { name: b, address: 127.0.0.2 }]')).toEqual([
      expect.stringContaining("127.0.0.1 is every machine's own"),
      expect.stringContaining("127.0.0.2 is every machine's own"),
    ]);
    const shared =
      'provider: ssh\nnodes: [{ name: a, address: 10.0.0.1 }, { name: b, address: 10.0.0.1, clientPort: 1, peerPort: 2 }]';
    expect(problems(shared)).toEqual([expect.stringContaining('10.0.0.1 is the host of another node')]);
  });

  it('must be named for ssh; for vagrant there are some that VirtualBox allows', () => {
    expect(problems('provider: ssh')).toHaveLength(1);
    expect(parse('provider: vagrant').nodes.map(({ name, address }) => `${name} ${address}`)).toEqual([
      'node1 192.168.56.10',
      'node2 192.168.56.11',
      'node3 192.168.56.12',
    ]);
    expect(parse('').nodes.map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1']);
  });

  it('are no part of a local lab', () => {
    expect(problems('ssh: { user: lab }')).toEqual([expect.stringContaining('has no meaning with provider: local')]);
    expect(problems('vagrant: { cpus: 2 }')).toEqual([expect.stringContaining('has no meaning with provider: local')]);
    expect(problems('nodes: [{ name: a, ssh: { port: 2222 } }]')).toHaveLength(1);
  });

  it.each([
    ['ssh: { user: "lab; id" }', 'must be the name of a user'],
    ['ssh: { user: -oProxyCommand=x }', 'must be the name of a user'],
    ['ssh: { port: 0 }', '1..65535'],
    ['ssh: { password: x }', 'password'],
    ['nodes: [{ name: a, address: 10.0.0.1, ssh: { host: "-x" } }]', 'must be a host name or an address'],
    ['nodes: [{ name: a, address: 10.0.0.1, ssh: { hostKey: abc } }]', 'must be a fingerprint'],
  ])('refuse %s', (text, reason) => {
    const nodes = text.startsWith('nodes') ? '' : '\nnodes: [{ name: a, address: 10.0.0.1 }]';
    expect(problems(`provider: ssh\n${text}${nodes}`).join()).toContain(reason);
  });
});

describe('how a machine is reached', () => {
  const text = `provider: ssh
ssh: { user: lab, identityFile: ~/key, port: 2222 }
nodes: [{ name: a, address: 10.0.0.1 }, { name: b, address: 10.0.0.2, ssh: { host: b.example, port: 22, identityFile: keys/b } }]`;

  it('is said for all and, in its place, for one; files are relative to lab.yaml', () => {
    expect(nodeStates(parse(text)).map(({ ssh }) => ssh)).toEqual([
      { host: '10.0.0.1', port: 2222, user: 'lab', identityFile: join(homedir(), 'key') },
      { host: 'b.example', port: 22, user: 'lab', identityFile: '/labs/keys/b' },
    ]);
  });

  it('is what Vagrant says, now or last time, unless lab.yaml says otherwise', () => {
    const config = parse('provider: vagrant\nnodes: [{ name: a, address: 10.0.0.1, ssh: { user: me } }]');
    const found = { host: '127.0.0.1', port: 2200, user: 'vagrant', identityFile: '/k' };
    const [first] = nodeStates(config, undefined, new Map([['a', found]]));
    expect(first?.ssh).toEqual({ ...found, user: 'me' });
    const before = {
      nodes: [{ ...config.nodes[0], name: 'a', address: '10.0.0.1', clientPort: 1, peerPort: 2, ssh: found }],
    };
    expect(nodeStates(config, before)[0]?.ssh).toEqual({ ...found, user: 'me' });
  });
});
