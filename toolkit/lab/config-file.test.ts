import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LabError } from '../errors.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { type ConfigOverrides, loadConfig, parseConfig } from './config-file.ts';

const parse = (text: string, overrides: ConfigOverrides = {}) => parseConfig(text, 'lab.yaml', '/base', overrides);

/** @returns every error, as shown */
function errorsOf(text: string, overrides: ConfigOverrides = {}): readonly string[] {
  try {
    parse(text, overrides);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    expect(error.code).toBe('LAB_CONFIG');
    expect(error.exitCode).toBe(2);
    return error.details.length > 0 ? error.details : [error.message];
  }
  return [];
}

const day = 86_400_000;

describe('several labs of one description', () => {
  const portsOf = (text: string, name: string) =>
    parse(text, { name }).nodes.flatMap(({ clientPort, peerPort }) => [clientPort, peerPort]);

  it('have ports of their own by the number in their name', () => {
    expect(portsOf('', 'seat3')).toEqual([2409, 2410, 22409, 22410, 32409, 32410]);
    const all = Array.from({ length: 30 }, (_, i) => portsOf('', `seat${i + 1}`)).flat();
    expect(new Set([...all, ...portsOf('', 'lab')]).size).toBe(31 * 6);
  });

  it('have the ports that are described where the name has no number of a seat', () => {
    for (const name of ['lab', 'lab-2026', 'seat0', 'seat100', '7']) expect(portsOf('', name)[0]).toBe(2379);
  });

  it('are not confused with the one that the file names', () => {
    expect(portsOf('name: lab2', 'lab2')[0]).toBe(2379);
    expect(portsOf('name: lab2', 'lab3')[0]).toBe(2409);
  });

  it('are refused beyond the last port, and keep the ports of machines', () => {
    const nodes = 'nodes: [{ name: a, address: 10.0.0.1, clientPort: 65500, peerPort: 65501 }]';
    expect(errorsOf(nodes, { name: 'seat9' })[0]).toMatch(/'seat9' would have the port 65590/);
    expect(portsOf(`provider: ssh\n${nodes}`, 'seat9')).toEqual([65_500, 65_501]);
  });
});

describe('lab.yaml', () => {
  it('may be empty: three nodes on the loopback, built-in engine, local provider', () => {
    const config = parse('');
    expect(config).toMatchObject({ name: 'lab', provider: 'local', engine: { kind: 'built-in' } });
    expect(config.nodes.map((node) => `${node.name} ${node.address}:${node.clientPort}/${node.peerPort}`)).toEqual([
      'node1 127.0.0.1:2379/2380',
      'node2 127.0.0.1:22379/22380',
      'node3 127.0.0.1:32379/32380',
    ]);
    expect(config.certificates).toEqual({
      algorithm: 'ecdsa-p256',
      authorityValidity: 365 * day,
      validity: 30 * day,
      backdate: 300_000,
    });
  });

  it('that the project comes with says nothing but the defaults', async () => {
    expect(await loadConfig(join(import.meta.dirname, '../../lab.yaml'))).toEqual(parse(''));
  });

  it('gives durations with a unit', () => {
    const { certificates } = parse('certificates: { validity: 90s, authorityValidity: 12h }');
    expect(certificates).toMatchObject({ validity: 90_000, authorityValidity: day / 2 });
  });

  it('names the folder of upstream binaries, relative to itself', () => {
    const engine = (path: string) => parse(`engine: { kind: upstream, path: ${path} }`).engine;
    expect(engine('bin')).toEqual({ kind: 'upstream', path: '/base/bin' });
    expect(engine('/opt/etcd')).toEqual({ kind: 'upstream', path: '/opt/etcd' });
  });

  it('names an archive of upstream with its checksum, or where the first machine has it installed', () => {
    const sha256 = 'AB'.repeat(32);
    const archived = parse(`engine: { kind: upstream, archive: etcd.tar.gz, sha256: ${sha256} }`).engine;
    expect(archived).toMatchObject({
      path: expect.stringMatching(/\/engines\/abababababababab$/),
      archive: { file: '/base/etcd.tar.gz', sha256: sha256.toLowerCase() },
    });
    const ofMachine = (address: string) =>
      parse(`provider: ssh\nnodes: [{ name: a, address: ${address} }]\nengine: { kind: upstream, installed: /usr/bin }`)
        .engine as { path: string };
    expect(ofMachine('10.0.0.1').path).toMatch(/\/engines\/from-[0-9a-f]{16}$/);
    expect(ofMachine('10.0.0.1').path).not.toBe(ofMachine('10.0.0.2').path);
  });

  it('says where backups are kept', () => {
    const store = (text: string) => parse(`backups: { store: '${text}' }`).backups?.store;
    expect(store('local')).toEqual({ kind: 'local' });
    expect(store('../kept')).toEqual({ kind: 'folder', path: '/kept' });
    expect(store('s3://bucket/of/labs/')).toEqual({ kind: 's3', bucket: 'bucket', prefix: 'of/labs' });
    expect(store('sftp://me@host:2022/srv/backups')).toEqual({
      kind: 'sftp',
      user: 'me',
      host: 'host',
      port: 2022,
      path: '/srv/backups',
    });
    expect(parse('backups: { s3: { caFile: ca.pem }, sftp: { identityFile: key } }').backups).toEqual({
      s3: { caFile: '/base/ca.pem' },
      sftp: { identityFile: '/base/key' },
    });
  });

  it.each<[string, string, RegExp]>([
    ['a password', 'sftp://me:hunter2@host/x', /must not hold a secret/],
    ['credentials', 's3://key@bucket/x', /must not hold credentials/],
    ['no user', 'sftp://host/x', /must name a user/],
    ['no folder', 'sftp://me@host', /must name a folder/],
    ['an escape that is none', 'sftp://me@host/%zz', /must name a folder/],
    ['a way out of its folder', 'sftp://me@host/a/%2e%2e/b/../../..', /must name a folder/],
    ['no bucket', 's3://B', /must name a bucket/],
    ['a prefix with a space', 's3://bucket/a b', /a prefix consists of/],
    ['another service', 'https://host/x', /use local, a folder/],
    ['nothing of the kind', 'somewhere', /use local, a folder/],
  ])('refuses a store with %s, and does not repeat it', (_, text, problem) => {
    const [error, ...more] = errorsOf(`name: a\nbackups:\n  store: '${text}'`);
    expect(error).toMatch(/^lab.yaml:3:10: backups.store: /);
    expect(error).toMatch(problem);
    expect(error).not.toContain('hunter2');
    expect(more).toEqual([]);
  });

  it('is overridden by flags', () => {
    expect(parse('name: a\nengine: built-in', { name: 'b', engine: '/bin' })).toMatchObject({
      name: 'b',
      engine: { kind: 'upstream', path: '/bin' },
    });
    expect(parse('engine: { kind: upstream, path: x }', { engine: 'built-in' }).engine).toEqual({ kind: 'built-in' });
  });

  it('is refused with all errors at once, each with line, column and reason', () => {
    const text = `name: Bad_Name
nodes:
  - name: node1
    clientPort: 99999
  - name: node2
    peerPort: many
    colour: blue
engine: upstream
certificates:
  authorityValidity: tomorrow
`;
    expect(errorsOf(text)).toMatchInlineSnapshot(`
      [
        "lab.yaml:1:7: name: use lower-case letters, digits and inner hyphens, at most 63",
        "lab.yaml:8:9: engine.path: must name the folder of etcd, etcdctl and etcdutl",
        "lab.yaml:4:17: nodes.0.clientPort: must be 1..65535",
        "lab.yaml:6:15: nodes.1.peerPort: expected number, received string",
        "lab.yaml:7:5: unknown key nodes.1.colour",
        "lab.yaml:10:22: certificates.authorityValidity: use a number and a unit (s, m, h, d), such as 30d",
      ]
    `);
  });

  it.each([
    ['a: [', /^lab\.yaml:1:5: /],
    ['name: a\nname: b', 'lab.yaml:2:1: Map keys must be unique'],
    ['- 1', 'lab.yaml:1:1: a lab is described by a mapping, such as: name: lab'],
    ['nodes: []', 'lab.yaml:1:8: nodes: a lab needs at least one node'],
    [
      'nodes:\n  - { name: a, alternativeNames: [b.example, "no name"] }',
      'lab.yaml:2:46: nodes.0.alternativeNames.1: must be a DNS name or an IP address',
    ],
    ['certificates: { backdate: 2d }', 'lab.yaml:1:27: certificates.backdate: at most 1d: mend the clock'],
    [
      'certificates: { authorityAlgorithm: rsa-1024 }',
      'lab.yaml:1:37: certificates.authorityAlgorithm: expected one of "ecdsa-p256"|"ecdsa-p384"|"rsa-2048"|"rsa-3072"|"rsa-4096"',
    ],
    ['nodes:\n  - {}', 'lab.yaml:2:5: nodes.0.name: is missing'],
    ['nodez: 1', 'lab.yaml:1:1: unknown key nodez'],
    ['provider: aws', 'lab.yaml:1:11: provider: expected one of "local"|"vagrant"|"ssh"'],
    [
      'engine: { kind: upstream, archive: a.tar.gz }',
      'lab.yaml:1:9: engine.sha256: must be there: the checksum of the archive',
    ],
    [
      'engine: { kind: upstream, archive: a, sha256: x }',
      'lab.yaml:1:47: engine.sha256: must be a SHA-256: 64 hexadecimal digits',
    ],
    [
      `engine: { kind: upstream, path: /a, archive: /b, sha256: ${'ab'.repeat(32)} }`,
      'lab.yaml:1:33: engine.path: is one of several sources: name one of path, archive and installed',
    ],
    [
      'engine: { kind: upstream, installed: /usr/bin }',
      'lab.yaml:1:38: engine.installed: has no meaning with provider: local: give it as path',
    ],
    ['engine: fast', "lab.yaml:1:9: engine.kind: expected 'built-in' | 'upstream'"],
    ['nodes:\n  - { name: a, address: localhost }', 'lab.yaml:2:25: nodes.0.address: must be an IPv4 address'],
    [
      'nodes:\n  - { name: a }\n  - { name: a, clientPort: 1, peerPort: 2 }',
      'lab.yaml:3:13: nodes.1.name: a is already used by nodes.0.name',
    ],
    [
      'nodes:\n  - { name: a, clientPort: 2380 }',
      'lab.yaml:2:5: nodes.0.peerPort: 127.0.0.1:2380 is already used by nodes.0.clientPort',
    ],
    [
      'certificates:\n  validity: 400d',
      'lab.yaml:2:13: certificates.validity: must not exceed authorityValidity: a certificate cannot outlive its authority',
    ],
    ['certificates: { validity: 0d }', /use a number and a unit/],
    ['certificates: { validity: 99999d }', /at most 3660d/],
    ['certificates: { algorithm: rsa-1024 }', /expected one of/],
  ])('%j is refused', (text, error) => {
    const errors = errorsOf(text);
    expect(errors).toHaveLength(1);
    if (typeof error === 'string') expect(errors[0]).toBe(error);
    else expect(errors[0]).toMatch(error);
  });

  it('is not blamed for what a flag says', () => {
    expect(errorsOf('name: good', { name: 'NO' })[0]).toMatch(/^--name: name: use lower-case/);
  });

  it('cannot be made to grow by aliases', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 9; i++)
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      );
    expect(() => parse(lines.join('\n'))).toThrow(/alias/i);
  });

  it('is named when it cannot be read', async () => {
    await expect(loadConfig('/nowhere/lab.yaml')).rejects.toMatchObject({
      message: '/nowhere/lab.yaml cannot be read',
      advice: [expect.stringMatching(/^correct --file or ETCDLAB_FILE/)],
    });
    const path = join(scratchFolder(), 'lab.yaml');
    writeFileSync(path, 'name: 7');
    await expect(loadConfig(path)).rejects.toThrow(`${path}:1:7: name: expected string, received number`);
  });
});
