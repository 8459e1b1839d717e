/**
 * Programs in Go, with etcd's own client over mutual TLS, while leaders change and members are killed. What each of
 * them holds for granted is in `go/`; it holds on upstream's server and on ours.
 */
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ensureBuilt } from '../../scripts/build.ts';
import { buildGo, haveGo, LineProgram } from '../support/go-program.ts';
import { moveLeader } from '../support/leader-moves.ts';
import { TestCluster } from '../support/test-cluster.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';

let built: Awaited<ReturnType<typeof buildGo>> | undefined;
let cluster: TestCluster | undefined;
let program: LineProgram | undefined;

const source = path.join(import.meta.dirname, 'go');

describe.skipIf(!haveGo(source))('a program in Go', () => {
  beforeAll(async () => {
    built = await buildGo(source);
  }, 300_000);
  afterAll(async () => built?.remove());
  afterEach(async () => {
    program?.close();
    await cluster?.close();
    [program, cluster] = [undefined, undefined];
  });

  const title = 'finds all that it holds for granted, on %s';
  test.skipIf(!haveUpstream()).each(['upstream', 'built-in'] as const)(title, { timeout: 240_000 }, async (engine) => {
    const executables = engine === 'upstream' ? upstreamExecutables() : await ensureBuilt();
    // Cheap hashes: upstream's logins begin again whenever a role changes before the password is checked.
    const auth = ['--auth-token-ttl=2', '--bcrypt-cost=4'];
    const flags = ['--unsafe-no-fsync', '--experimental-watch-progress-notify-interval=200ms', ...auth];
    const started = await TestCluster.start(executables, { tls: true, flags });
    cluster = started;

    const recipes = runIn(started, 'recipes');
    await recipes.answer();
    await recipes.answer('progress');
    const leader = await indexOf(started, await moveLeader(started));
    await recipes.answer('progress');
    await started.signal(leader, 'SIGKILL');
    await recipes.answer('progress');
    started.launch(leader);
    await started.waitHealthy();
    await recipes.answer('progress');
    expect(JSON.parse(await recipes.answer('stop'))).toMatchObject({ violations: [] });
    recipes.close();

    const users = runIn(started, 'auth');
    await users.answer();
    await users.answer('progress');
    // A member that restarts has forgotten the tokens it gave.
    await started.signal(0, 'SIGKILL');
    started.launch(0);
    await users.answer('progress');
    expect(JSON.parse(await users.answer('stop'))).toMatchObject({ violations: [] });
  });
});

function runIn(within: TestCluster, mode: 'recipes' | 'auth'): LineProgram {
  const pki = path.join(within.directory, 'pki');
  const tls = [`--cacert=${pki}/client-ca.pem`, `--cert=${pki}/client.pem`, `--key=${pki}/client-key.pem`];
  program = new LineProgram(built?.program ?? '', [`--endpoints=${within.endpoints.join()}`, ...tls, mode]);
  return program;
}

async function indexOf(within: TestCluster, id: bigint): Promise<number> {
  const client = within.client();
  try {
    const statuses = await Promise.all(within.endpoints.map((endpoint) => client.status({}, { endpoint })));
    return statuses.findIndex(({ header }) => header?.member_id === id);
  } finally {
    client.close();
  }
}
