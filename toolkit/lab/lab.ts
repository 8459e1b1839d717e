/**
 * A lab that was brought up, as commands and drills see it: its nodes, its certificates, its engine, its folders. It
 * starts, stops and hurts members; whether the cluster is well is judged in `provision/health`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ClientTls, EtcdClient } from '../../server/client/mod.ts';
import { LabError } from '../errors.ts';
import type { Host, RunOptions, RunResult, StopOptions } from '../hosts/host.ts';
import { LocalHost } from '../hosts/local-host.ts';
import { type EngineBinaries, engineBinaries } from './engine.ts';
import { renderMemberConfig } from './member-config.ts';
import { type LostMember, lostDataError, lostMembers, memberData } from './member-data.ts';
import { type LabNode, labNodes } from './nodes.ts';
import { type Bootstrap, type LabPaths, type LabState, labPaths, readState, writeState } from './state.ts';

/** PEM files of a client of the cluster. */
export interface ClientTlsFiles {
  /** The authority that signed the members' server certificates. */
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** Puts another host in the place of a node's own, such as one that only writes down what would be done. */
export type WrapHost = (host: Host) => Host;

export class Lab {
  readonly name: string;
  readonly paths: LabPaths;
  /** In the order of lab.yaml; at least one. */
  readonly nodes: readonly LabNode[];
  /** Where the executables of the lab's engine are on this machine; on a node's host, they are `node.binaries`. */
  readonly engine: EngineBinaries;
  /** Certificate and key of the administrator: CN `root`, which is the user of that name once auth is enabled. */
  readonly clientTls: ClientTlsFiles;
  #state: LabState;
  /** Ends when the last write of state.json so far has ended. */
  #written: Promise<void> = Promise.resolve();

  private constructor(paths: LabPaths, state: LabState, wrapHost?: WrapHost) {
    this.name = state.name;
    this.paths = paths;
    this.#state = state;
    const nodes = labNodes(state, paths);
    this.nodes = wrapHost === undefined ? nodes : nodes.map((node) => ({ ...node, host: wrapHost(node.host) }));
    this.engine = engineBinaries(state.engine);
    this.clientTls = {
      caFile: join(paths.pki, 'client-ca.pem'),
      certFile: join(paths.pki, 'client-admin.pem'),
      keyFile: join(paths.pki, 'client-admin-key.pem'),
    };
  }

  /**
   * @param stateDirectory the folder that holds all labs, usually `.etcdlab`
   * @throws LabError LAB_MISSING if it was never brought up, LAB_STATE if its state is damaged
   */
  static async open(stateDirectory: string, name: string, wrapHost?: WrapHost): Promise<Lab> {
    const paths = labPaths(stateDirectory, name);
    const state = await readState(paths);
    if (state === undefined) {
      throw new LabError('LAB_MISSING', `there is no lab '${name}' in ${stateDirectory}`, { advice: 'etcdlab up' });
    }
    return new Lab(paths, state, wrapHost);
  }

  /** Writes the state of a new or changed lab, and opens it. */
  static async save(stateDirectory: string, state: LabState, wrapHost?: WrapHost): Promise<Lab> {
    const paths = labPaths(stateDirectory, state.name);
    await writeState(paths, state);
    return new Lab(paths, state, wrapHost);
  }

  /**
   * @returns the same lab with another engine, which is written down nowhere; to be closed. For provider `local`: machines
   *   must have it installed first.
   */
  onEngine(engine: LabState['engine']): Lab {
    return new Lab(this.paths, { ...this.#state, engine });
  }

  get state(): LabState {
    return this.#state;
  }

  /** @throws LabError LAB_NODE_UNKNOWN, naming the nodes there are */
  node(name: string): LabNode {
    const node = this.nodes.find((candidate) => candidate.name === name);
    if (node === undefined) {
      const names = this.nodes.map((candidate) => candidate.name).join(', ');
      throw new LabError('LAB_NODE_UNKNOWN', `lab '${this.name}' has no node '${name}'; it has ${names}`);
    }
    return node;
  }

  /** @returns the client URLs of the named nodes, or of all */
  endpoints(...names: string[]): string[] {
    const nodes = names.length === 0 ? this.nodes : names.map((name) => this.node(name));
    return nodes.map((node) => node.clientUrl);
  }

  /** @returns what etcdctl needs to reach the named nodes, or all: `ETCDCTL_ENDPOINTS`, `_CACERT`, `_CERT`, `_KEY` */
  clientEnvironment(...names: string[]): Record<string, string> {
    return {
      ETCDCTL_API: '3',
      ETCDCTL_ENDPOINTS: this.endpoints(...names).join(','),
      ETCDCTL_CACERT: this.clientTls.caFile,
      ETCDCTL_CERT: this.clientTls.certFile,
      ETCDCTL_KEY: this.clientTls.keyFile,
    };
  }

  /** @returns the administrator's certificate, its key and the authority to trust, read from the PKI folder */
  clientTlsMaterial(): ClientTls {
    const { caFile, certFile, keyFile } = this.clientTls;
    return { ca: readFileSync(caFile), cert: readFileSync(certFile), key: readFileSync(keyFile) };
  }

  /**
   * @param names nodes to talk to, or all
   * @returns a client as the administrator, to be closed by the caller; its calls fail after 5 s unless they say otherwise
   */
  client(...names: string[]): EtcdClient {
    return new EtcdClient({
      endpoints: this.endpoints(...names),
      tls: this.clientTlsMaterial(),
      requestTimeoutMs: 5000,
    });
  }

  /**
   * Runs the engine's etcdctl on this machine against the named nodes, or all, as the administrator.
   * @returns its result, whatever its exit code
   * @throws LabError as `Host.run`
   */
  etcdctl(args: readonly string[], options: RunOptions & { nodes?: readonly string[] } = {}): Promise<RunResult> {
    return this.localRun(this.engine.etcdctl, args, {
      ...options,
      environment: { ...this.clientEnvironment(...(options.nodes ?? [])), ...options.environment },
    });
  }

  /** Runs the engine's etcdutl on this machine; for files of a host, run `node.binaries.etcdutl` there. */
  etcdutl(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return this.localRun(this.engine.etcdutl, args, options);
  }

  private localRun(file: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
    return new LocalHost('this machine', this.paths.root).run(file, args, options);
  }

  /**
   * Starts a member and returns once its process is alive, which is long before it is healthy.
   * @throws LabError LAB_DATA_LOST or LAB_CLUSTER_LOST if it had data and has none
   */
  async start(name: string): Promise<void> {
    await this.requireData(name);
    await this.node(name).host.service.start();
  }

  /** @throws LabError LAB_DATA_LOST or LAB_CLUSTER_LOST if the member had data and has none */
  async requireData(name: string): Promise<void> {
    if (await this.hasLostData(name)) throw lostDataError(this.nodes.length, await this.lostMembers());
  }

  /** @returns whether the member once had data and has none now; false if its host cannot be asked */
  async hasLostData(name: string): Promise<boolean> {
    return (await lostMembers([this.node(name)], this.#state.membersWithData ?? [])).length > 0;
  }

  lostMembers(): Promise<LostMember[]> {
    return lostMembers(this.nodes, this.#state.membersWithData ?? []);
  }

  /** Remembers which members have data now, so that it is noticed when they have lost it. */
  async rememberData(): Promise<void> {
    const known = this.#state.membersWithData ?? [];
    const found = await Promise.all(
      this.nodes.map(async (node) => known.includes(node.name) || (await memberData(node)) === 'there'),
    );
    const membersWithData = this.nodes.filter((_, i) => found[i]).map(({ name }) => name);
    if (membersWithData.length > known.length) await this.remember({ ...this.#state, membersWithData });
  }

  stop(name: string, options?: StopOptions): Promise<void> {
    return this.node(name).host.service.stop(options);
  }

  /** SIGKILL: a crash. `status` says `exited` until the next start. */
  kill(name: string): Promise<void> {
    return this.node(name).host.service.kill();
  }

  freeze(name: string): Promise<void> {
    return this.node(name).host.service.freeze();
  }

  thaw(name: string): Promise<void> {
    return this.node(name).host.service.thaw();
  }

  /**
   * Cuts a member off from some of the others, or from all; clients still reach it.
   * @throws LabError as `Host.cut`
   */
  cut(name: string, from: readonly string[] = this.nodes.map((node) => node.name)): Promise<void> {
    const others = from.filter((other) => other !== name).map((other) => this.node(other).address);
    return this.node(name).host.cut(others);
  }

  heal(name: string): Promise<void> {
    return this.node(name).host.heal();
  }

  /** @returns how the member finds its cluster while it has no data */
  bootstrap(name: string): Bootstrap {
    const bootstrap = this.#state.bootstrap[this.node(name).name];
    if (bootstrap === undefined) throw new LabError('LAB_STATE', `${this.paths.stateFile} lacks bootstrap of ${name}`);
    return bootstrap;
  }

  /** @returns `initial-cluster` of all nodes, as etcd and etcdutl take it: `node1=https://...,node2=...` */
  initialCluster(): string {
    return this.nodes.map((node) => `${node.name}=${node.peerUrl}`).join(',');
  }

  /**
   * Renders a member's configuration and puts it on its host; takes effect at the next start.
   * @param change for a restored cluster `{ token }`, for a member that joins `{ clusterState: 'existing', cluster }`;
   *   remembered in the lab's state, so that the next `up` keeps it
   * @returns whether the file changed
   */
  async configure(name: string, change: Partial<Bootstrap> = {}): Promise<boolean> {
    const node = this.node(name);
    if (Object.keys(change).length > 0) {
      const bootstrap = { ...this.#state.bootstrap, [name]: { ...this.bootstrap(name), ...change } };
      await this.remember({ ...this.#state, bootstrap });
    }
    const text = await renderMemberConfig(node, this.bootstrap(name));
    const before = await node.host.getFile(node.paths.configFile);
    if (before !== undefined && Buffer.from(before).toString('utf8') === text) return false;
    await node.host.putFile(node.paths.configFile, text);
    return true;
  }

  /** One write after the other: members are configured at the same time, and the last file must have all changes. */
  private async remember(state: LabState): Promise<void> {
    this.#state = state;
    const writing = this.#written.then(() => writeState(this.paths, this.#state));
    this.#written = writing.catch(() => undefined);
    await writing;
  }

  /** Releases the connections to the hosts. The members go on. */
  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.host.close()));
  }
}
