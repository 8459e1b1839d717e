/** Our peer protocol and upstream's: a member that is none of upstream's joins an upstream cluster of one. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createPeerServer, PeerClient, type PeerServer, TlsFiles, Transport } from '../../server/peer/mod.ts';
import { TestCa } from '../../server/peer/testing/certificates.ts';
import { fakeDatabase, RecordingHandler, until } from '../../server/peer/testing/nodes.ts';
import { ConfState, Message, MessageType, Snapshot, SnapshotMetadata } from '../../server/proto/gen/raft.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';

let ca: TestCa;
beforeAll(() => {
  ca = new TestCa();
});
afterAll(() => ca.remove());

const cleanUps: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Certificates of a member, as flags for upstream and as files for us. */
function certificates(name: string): { flags: string[]; files: TlsFiles } {
  const leaf = ca.issue(name, 'IP:127.0.0.1');
  const flags = ['--peer-cert-file', leaf.certFile, '--peer-key-file', leaf.keyFile];
  return {
    flags: [...flags, '--peer-client-cert-auth', '--peer-trusted-ca-file', ca.caFile],
    files: new TlsFiles({ ...leaf, trustedCaFile: ca.caFile, clientCertAuth: true }),
  };
}

class UpstreamMember {
  readonly peerUrl: string;
  private readonly clientUrl: string;
  private readonly log: string;
  private readonly process: ChildProcess;

  private constructor(folder: string, scheme: string, clientPort: number, peerPort: number, flags: string[]) {
    this.peerUrl = `${scheme}://127.0.0.1:${peerPort}`;
    this.clientUrl = `http://127.0.0.1:${clientPort}`;
    this.log = path.join(folder, 'etcd.log');
    const listen = ['--listen-peer-urls', this.peerUrl, '--initial-advertise-peer-urls', this.peerUrl];
    const serve = ['--listen-client-urls', this.clientUrl, '--advertise-client-urls', this.clientUrl];
    // A snapshot compacts the log, so that whoever joins later is sent a database.
    const rest = ['--initial-cluster', `up=${this.peerUrl}`, '--snapshot-count', '5', '--strict-reconfig-check=false'];
    const out = fs.openSync(this.log, 'w');
    this.process = spawn(
      upstreamExecutables().etcd,
      ['--name', 'up', '--data-dir', path.join(folder, 'data'), ...listen, ...serve, ...rest, ...flags],
      { stdio: ['ignore', out, out] },
    );
    fs.closeSync(out);
  }

  static async start(scheme: string, flags: string[]): Promise<UpstreamMember> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'peer-interop-'));
    cleanUps.push(() => fs.rmSync(folder, { recursive: true, force: true }));
    const member = new UpstreamMember(folder, scheme, await freePort(), await freePort(), flags);
    cleanUps.push(() => member.stop());
    await until(() => member.logged('ready to serve client requests'), 'upstream is ready');
    return member;
  }

  logged(text: string): boolean {
    return fs.readFileSync(this.log, 'utf8').includes(text);
  }

  ctl(...args: string[]): string {
    const { etcdctl } = upstreamExecutables();
    return execFileSync(etcdctl, ['--endpoints', this.clientUrl, ...args], { encoding: 'utf8', timeout: 10_000 });
  }

  /** As `ctl`, while this process goes on answering. */
  async ctlAsync(...args: string[]): Promise<string> {
    const child = spawn(upstreamExecutables().etcdctl, ['--endpoints', this.clientUrl, ...args]);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk;
    });
    await new Promise((resolve) => child.once('close', resolve));
    return output;
  }

  private async stop(): Promise<void> {
    if (this.process.exitCode !== null) return;
    const exited = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGKILL');
    await exited;
  }
}

/** Just enough of a raft follower to be believed: acknowledges what it is sent, keeps nothing but the last index. */
class Follower extends RecordingHandler {
  transport: Transport | undefined;
  lastIndex = 0;
  snapshotHead = Buffer.alloc(0);

  override process(message: Message): void {
    super.process(message);
    if (message.type === MessageType.MsgHeartbeat) {
      this.answer(message, { type: MessageType.MsgHeartbeatResp, context: message.context });
    } else if (message.type === MessageType.MsgApp) {
      const fits = message.index <= this.lastIndex;
      if (fits) this.lastIndex = Math.max(this.lastIndex, message.entries.at(-1)?.Index ?? message.index);
      this.answer(message, {
        type: MessageType.MsgAppResp,
        index: fits ? this.lastIndex : message.index,
        reject: !fits,
        rejectHint: fits ? 0 : this.lastIndex,
      });
    }
  }

  override async receiveSnapshot(message: Message, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    await super.receiveSnapshot(message, this.keepHead(chunks));
    this.lastIndex = message.snapshot?.metadata.index ?? 0;
    this.answer(message, { type: MessageType.MsgAppResp, index: this.lastIndex });
  }

  private async *keepHead(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      if (this.snapshotHead.length < 64) this.snapshotHead = Buffer.concat([this.snapshotHead, chunk]).subarray(0, 64);
      yield chunk;
    }
  }

  private answer(to: Message, fields: Partial<Message>): void {
    this.transport?.send([Message.create({ from: to.to, to: to.from, term: to.term, ...fields })]);
  }
}

interface Joined {
  upstream: UpstreamMember;
  follower: Follower;
  transport: Transport;
  client: PeerClient;
  upstreamId: bigint;
  clusterId: bigint;
  ownId: bigint;
  paths: Set<string>;
}

/** Starts upstream, writes something, adds a member that is us, and starts that. */
async function join(scheme: string): Promise<Joined> {
  const theirs = scheme === 'https' ? certificates('theirs') : undefined;
  const ours = scheme === 'https' ? certificates('ours') : undefined;
  const tls = ours === undefined ? {} : { tls: ours.files };
  const upstream = await UpstreamMember.start(scheme, theirs?.flags ?? []);
  for (let i = 0; i < 20; i++) upstream.ctl('put', `key-${i}`, 'value');
  const ownUrl = `${scheme}://127.0.0.1:${await freePort()}`;
  upstream.ctl('member', 'add', 'ours', `--peer-urls=${ownUrl}`);

  const client = new PeerClient(tls);
  cleanUps.push(() => client.close());
  const { clusterId, members } = await client.fetchMembers([upstream.peerUrl]);
  const own = members.find((member) => member.peerURLs.includes(ownUrl));
  const up = members.find((member) => member.name === 'up');
  if (own === undefined || up === undefined) throw new Error('the member list lacks a member');

  const follower = new Follower();
  const versions = { serverVersion: '3.5.30', minClusterVersion: '3.0.0' };
  const transport = new Transport({
    id: own.id,
    clusterId,
    handler: follower,
    localPeerUrls: [ownUrl],
    ...versions,
    ...tls,
  });
  follower.transport = transport;
  cleanUps.push(() => transport.close());
  const paths = new Set<string>();
  const server: PeerServer = await createPeerServer({
    url: ownUrl,
    ...tls,
    handlers: {
      clusterId,
      serverVersion: '3.5.30',
      clusterVersion: () => {
        paths.add('/version');
        return '3.5.0';
      },
      members: () => members,
      raft: (request, response) => {
        paths.add(request.url ?? '');
        return transport.requestHandler(request, response);
      },
    },
  });
  cleanUps.push(() => server.close());
  transport.addPeer(up.id, [upstream.peerUrl]);
  return { upstream, follower, transport, client, upstreamId: up.id, clusterId, ownId: own.id, paths };
}

describe.skipIf(!haveUpstream())('a member of ours in upstream’s cluster', () => {
  test.each(['http', 'https'])(
    'over %s is sent a database, heartbeats and entries, and its word counts',
    async (scheme) => {
      const { clusterId, client, follower, ownId, paths, transport, upstream, upstreamId } = await join(scheme);

      await until(() => follower.received.length > 0, 'the database has arrived');
      const [snapshot] = follower.received;
      expect(snapshot?.message).toMatchObject({ type: MessageType.MsgSnap, from: upstreamId, to: ownId });
      expect(snapshot?.message.snapshot?.metadata.conf_state.voters).toContain(ownId);
      expect(JSON.parse(Buffer.from(snapshot?.message.snapshot?.data ?? []).toString())).toHaveProperty('Root');
      expect((snapshot?.bytes ?? 1) % 4096).toBe(0);
      expect(follower.snapshotHead.readUInt32LE(16), 'the database’s magic number').toBe(0xed0cdaed);

      const own = (kind: string) => `/raft/stream/${kind}/${upstreamId.toString(16)}`;
      await until(() => paths.has(own('message')) && paths.has(own('msgapp')), 'upstream has dialed both streams');
      await until(() => follower.messages.some(({ type }) => type === MessageType.MsgHeartbeat), 'a heartbeat');
      expect(transport.activeSince(upstreamId)).toBeDefined();

      // Two voters: without our acknowledgement nothing is committed.
      const before = follower.lastIndex;
      expect(await upstream.ctlAsync('put', 'together', 'yes')).toBe('OK\n');
      expect(await upstream.ctlAsync('get', 'together', '--print-value-only')).toBe('yes\n');
      expect(follower.lastIndex).toBeGreaterThan(before);

      await until(() => paths.has('/version') && paths.has('/raft/probing'), 'upstream has asked and probed');
      expect(await client.fetchVersion(upstream.peerUrl)).toMatchObject({ server: '3.5.30' });
      expect(await client.fetchDowngradeEnabled(upstream.peerUrl)).toBe(false);
      const hash = await client.fetchHashKv(upstream.peerUrl, clusterId, 0);
      expect(hash.revision).toBe(22);
      expect(hash.hash).toBeGreaterThan(0);
    },
  );

  test('can send a database to upstream', async () => {
    const { follower, ownId, transport, upstream, upstreamId } = await join('http');
    await until(() => follower.received.length > 0, 'the database has arrived');
    const metadata = SnapshotMetadata.create({ index: 1, term: 1, conf_state: ConfState.create({ voters: [ownId] }) });
    // Of a term long gone: upstream stores it, and raft there ignores it.
    transport.sendSnapshot(
      Message.create({
        type: MessageType.MsgSnap,
        from: ownId,
        to: upstreamId,
        term: 1,
        snapshot: Snapshot.create({ data: Buffer.from('{}'), metadata }),
      }),
      fakeDatabase(8 * 1024 * 1024),
    );
    await until(() => follower.snapshots.length > 0, 'upstream has answered');
    expect(follower.snapshots).toEqual([{ id: upstreamId, ok: true }]);
    expect(upstream.logged('received and saved database snapshot')).toBe(true);
  });

  test('learns that it was removed', async () => {
    const { follower, ownId, upstream } = await join('http');
    await until(() => follower.received.length > 0, 'the database has arrived');
    await upstream.ctlAsync('member', 'remove', ownId.toString(16));
    await until(() => follower.timesRemoved > 0, 'upstream has told it');
    expect(follower.timesRemoved).toBe(1);
  });
});
