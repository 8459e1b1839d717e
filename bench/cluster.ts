/** Three members of either engine under the same conditions, for as long as rows are measured on them. */
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Executables } from '../scripts/build.ts';
import { MaintenanceService } from '../server/proto/gen/rpc.ts';
import { TestCluster } from '../test/support/test-cluster.ts';
import { until } from './deadline.ts';
import type { Target } from './engines/target.ts';
import { type Address, LoadConnection } from './load/connection.ts';

/** 8 GiB, so that no row runs into the quota; errors only, so that no engine is slowed by what it says. */
const flags = ['--quota-backend-bytes=8589934592', '--log-level=error'];
/** h2load has no certificate to show: clients are not asked for one. Members still ask each other. */
const tlsFlags = ['--client-cert-auth=false', '--trusted-ca-file='];

const leaderMs = 30_000;

export class BenchCluster implements Target {
  /** Its processes and folders. */
  readonly processes: TestCluster;
  readonly isNull = false;
  readonly ca: string | undefined;
  /** Index of the member that leads, as of the last `findLeader`. */
  leader = 0;

  private constructor(processes: TestCluster, isTls: boolean) {
    this.processes = processes;
    this.ca = isTls ? readFileSync(path.join(processes.directory, 'pki', 'client-ca.pem'), 'utf8') : undefined;
  }

  /** @throws Error with the end of a member's log when the cluster does not come up */
  static async start(executables: Executables, isTls: boolean): Promise<BenchCluster> {
    const processes = await TestCluster.create(executables, {
      tls: isTls,
      flags: isTls ? [...flags, ...tlsFlags] : flags,
    });
    const cluster = new BenchCluster(processes, isTls);
    try {
      await processes.startAll();
      await cluster.findLeader();
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  get url(): string {
    return this.address(this.leader).url;
  }

  get pids(): number[] {
    return this.processes.members.map(({ process: child }) => child?.pid as number);
  }

  /** Where clients reach one member. */
  address(index: number): Address {
    return { url: this.processes.member(index).clientUrl, ca: this.ca };
  }

  /** Asks members who leads, until one does. @throws Error when none does within 30 s */
  async findLeader(): Promise<void> {
    this.leader = await until(leaderMs, 'who leads', async () => {
      for (const index of this.processes.members.keys()) {
        const connection = await LoadConnection.open(this.address(index));
        const status = await connection.unary(MaintenanceService.Status, {}).finally(() => connection.close());
        if (status.leader === status.header?.member_id) return index;
      }
      throw new Error('no member leads');
    });
  }

  /** Ends every process and removes the folder. */
  async close(): Promise<void> {
    await this.processes.killAll();
    await rm(this.processes.directory, { recursive: true, force: true });
  }
}
