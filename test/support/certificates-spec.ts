/** What `etcdlab certs` promises on a live cluster, on whatever engine the lab runs. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CertifiedKey, inspect, PkiStore } from '../../pki/mod.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { memberSockets } from '../../toolkit/provision/pki/proof.ts';
import { probe } from '../../toolkit/provision/pki/served.ts';
import { CertificateLoad } from './certificate-load.ts';
import { TestLab, type TestLabOptions } from './test-lab.ts';

/** Tests in the order of a user's year: each goes on from the lab that the one before has left. */
export function specifyCertificates(options: () => TestLabOptions): void {
  let testLab: TestLab;
  let lab: Lab;
  let store: PkiStore;

  beforeAll(async () => {
    testLab = await TestLab.up(options());
    lab = await testLab.open();
    store = new PkiStore(lab.paths.pki);
  });
  afterAll(async () => {
    await lab?.close();
    await testLab?.close();
  });

  const serials = async () => {
    const served = await Promise.all(
      memberSockets(lab.nodes).map(({ node, port }) => probe({ address: node.address, port })),
    );
    return served.map(({ certificate }) => certificate && inspect(certificate).serial);
  };
  const pids = async () =>
    (await Promise.all(lab.nodes.map(({ host }) => host.service.status()))).map(({ pid }) => pid);
  const isLetIn = async (client: CertifiedKey | undefined) => {
    const all = lab.nodes.map(({ address, clientPort }) => probe({ address, port: clientPort, client }));
    return (await Promise.all(all)).map(({ answered }) => answered);
  };
  const everybody = [true, true, true];
  const nobody = [false, false, false];

  /** Runs a command under load. @returns what the load has seen */
  async function underLoad(...command: string[]): Promise<CertificateLoad> {
    const load = new CertificateLoad(lab);
    try {
      await load.moreCompleted(50);
      await testLab.must(...command);
      await load.moreCompleted(50);
    } finally {
      await load.stop();
    }
    return load;
  }

  /** etcdctl of the engine, as a client that is not of this process. @returns its exit code */
  async function etcdctl(name: string, ca = store.certificatePath('client-ca')): Promise<number | undefined> {
    const flags = ['--cacert', ca, '--cert', store.certificatePath(name), '--key', store.keyPath(name)];
    const endpoint = ['--endpoints', lab.endpoints()[0] as string, '--command-timeout', '3s', '--dial-timeout', '3s'];
    return (await execa(lab.engine.etcdctl, [...flags, ...endpoint, 'get', 'load/0'], { reject: false })).exitCode;
  }

  test('check finds nothing wrong, on disk, on the hosts and on the sockets', async () => {
    const { exitCode, stdout } = await testLab.run('certs', 'check', '--json');
    const checks = JSON.parse(stdout) as { subject: string; status: string; found: string }[];
    expect(checks.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(checks.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining([
        'client-ca',
        'server-node1',
        'client-admin',
        'node2 files',
        'node3 client port',
        'node3 peer port',
      ]),
    );
    expect(exitCode).toBe(0);
    expect((await testLab.run('certs', 'check', '--within', '60d')).exitCode, 'due within 60 days').toBe(4);
  });

  test('renew replaces every certificate without a restart, and without a failed request', async () => {
    const [before, processes, old] = [await serials(), await pids(), await store.load('client-admin')];
    const load = await underLoad('certs', 'renew', '--all');
    expect(load.failed).toEqual([]);
    const after = await serials();
    for (const [i, serial] of after.entries()) expect(serial).not.toBe(before[i]);
    expect(await pids()).toEqual(processes);
    expect(await isLetIn(old), 'a certificate that was replaced, and not revoked').toEqual(everybody);
    expect(await isLetIn(await store.load('client-admin'))).toEqual(everybody);
    expect(await etcdctl('client-admin')).toBe(0);
    expect((await testLab.run('certs', 'check')).exitCode).toBe(0);
  });

  test('rotate-ca replaces both authorities member by member, without a failed request', async () => {
    const [old, oldCa] = [await store.load('client-admin'), (await store.read('client-ca')).certificate];
    const processes = await pids();
    const load = await underLoad('certs', 'rotate-ca');
    expect(load.failed).toEqual([]);
    expect((await store.read('client-ca')).certificate).not.toBe(oldCa);
    for (const [i, pid] of (await pids()).entries()) expect(pid).not.toBe(processes[i]);
    expect(await isLetIn(old)).toEqual(nobody);
    expect(await isLetIn(await store.load('client-admin'))).toEqual(everybody);
    expect(await etcdctl('client-admin')).toBe(0);
    testLab.write('old-ca.pem', oldCa ?? '');
    expect(await etcdctl('client-admin', testLab.path('old-ca.pem')), 'who trusts the old one only').not.toBe(0);
    expect((await testLab.run('certs', 'check')).exitCode).toBe(0);
    expect((await testLab.status()).healthy).toBe(true);
    const [retired = ''] = readdirSync(path.join(store.directory, 'retired')).filter((name) =>
      name.endsWith('-authorities'),
    );
    const kept = await new PkiStore(path.join(store.directory, 'retired', retired)).load('client-ca');
    expect(kept?.certificate).toBe(oldCa);
  });

  test('what members serve then is verified by openssl, Python and GnuTLS, which are strict', async () => {
    const [node] = lab.nodes as [Lab['nodes'][number]];
    const ca = store.certificatePath('client-ca');
    const files = ['-cert', lab.clientTls.certFile, '-key', lab.clientTls.keyFile];
    const verified = ['-x509_strict', '-verify_return_error', '-verify_ip', node.address, '-CAfile', ca];
    const connection = ['s_client', '-connect', `${node.address}:${node.clientPort}`, ...files, ...verified];
    const openssl = spawnSync('openssl', connection, { input: '', encoding: 'utf8', timeout: 10_000 });
    expect(openssl.stdout).toMatch(/Verify return code: 0 \(ok\)/);
    // Not everybody has GnuTLS, nor Python; where they are, they must agree.
    const trusted = ['--x509cafile', ca, '--alpn', 'http/1.1', '--port', String(node.clientPort), node.address];
    const gnutls = spawnSync('gnutls-cli', trusted, { input: '', encoding: 'utf8', timeout: 10_000 });
    if (gnutls.error === undefined || process.env.CI) expect(gnutls.stdout).toContain('The certificate is trusted');
    const program = [
      'import socket, ssl, sys',
      'address, port, ca, cert, key = sys.argv[1:]',
      'context = ssl.create_default_context(cafile=ca)',
      'context.verify_flags |= ssl.VERIFY_X509_STRICT',
      'context.load_cert_chain(cert, key)',
      'with context.wrap_socket(socket.create_connection((address, int(port)), 5), server_hostname=address) as tls:',
      "    tls.sendall(b'GET /version HTTP/1.1\\r\\nHost: etcd\\r\\nConnection: close\\r\\n\\r\\n')",
      '    print(tls.recv(64).split()[1].decode())',
    ].join('\n');
    const args = [
      '-c',
      program,
      node.address,
      String(node.clientPort),
      ca,
      lab.clientTls.certFile,
      lab.clientTls.keyFile,
    ];
    const python = spawnSync('python3', args, { encoding: 'utf8', timeout: 10_000 });
    if (python.error === undefined) expect(python.stdout.trim(), python.stderr).toBe('200');
  });

  test('a revoked client is refused at its next connection, and others are not', async () => {
    await testLab.must('certs', 'issue', 'alice');
    const older = await store.load('client-alice');
    await testLab.must('certs', 'renew', 'client-alice');
    expect(await etcdctl('client-alice')).toBe(0);
    const alice = await store.load('client-alice');
    expect(await isLetIn(older), 'as it was handed out before the renewal').toEqual(everybody);
    expect(await isLetIn(alice)).toEqual(everybody);
    const processes = await pids();
    const load = await underLoad('certs', 'revoke', 'client-alice', '--yes');
    expect(load.failed).toEqual([]);
    expect(await isLetIn(alice)).toEqual(nobody);
    expect(await isLetIn(older)).toEqual(nobody);
    expect(await isLetIn(await store.load('client-admin'))).toEqual(everybody);
    expect(await pids()).toEqual(processes);
    expect(readFileSync(store.revocationListPath('client-ca')).length).toBeGreaterThan(0);
  });

  test("a member's revoked certificates are replaced at once, and the cluster stays whole", async () => {
    const before = await serials();
    await testLab.must('certs', 'revoke', 'peer-node2', '--yes', '--reason', 'keyCompromise');
    await testLab.must('certs', 'revoke', 'client-admin', '--yes');
    const changed = (await serials()).map((serial, i) => serial !== before[i]);
    expect(changed, 'the peer port of node2 alone').toEqual([false, false, false, true, false, false]);
    expect(await etcdctl('client-admin')).toBe(0);
    expect((await testLab.status()).healthy).toBe(true);
    expect((await testLab.run('certs', 'check')).exitCode).toBe(0);
  });
}
