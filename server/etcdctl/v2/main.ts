/**
 * `ETCDCTL_API=2 etcdctl`: the commands that users of the v2 API knew, on the keys of v3, for teaching (contract: cli §8).
 */

import { cobraStyle } from '../../cli/cobra-style.ts';
import { type Command, execute } from '../../cli/command.ts';
import type { CliIo } from '../../cli/io.ts';
import { clusterHealthCommand, memberCommand } from './cluster-commands.ts';
import { nodeCommands } from './node-commands.ts';
import { v2Failure, v2Flags } from './session.ts';

/** What there is nothing of in v3, and what to do instead. */
const notMapped: Record<string, string> = {
  watch: 'use ETCDCTL_API=3 etcdctl watch',
  'exec-watch': 'use ETCDCTL_API=3 etcdctl watch KEY -- COMMAND',
  backup: 'use ETCDCTL_API=3 etcdctl snapshot save, which needs no stopped member',
  user: 'users of v2 and v3 are not the same; use ETCDCTL_API=3 etcdctl user',
  role: 'roles of v2 and v3 are not the same; use ETCDCTL_API=3 etcdctl role',
  auth: 'use ETCDCTL_API=3 etcdctl auth',
};

const root: Command = {
  name: 'etcdctl',
  short: 'The commands of the v2 API, on the keys of v3.',
  long: 'The v2 API is history: etcd 3.6 has no longer any of it. These commands show what it was like.',
  persistentFlags: v2Flags,
  commands: [
    ...nodeCommands,
    clusterHealthCommand,
    memberCommand,
    ...Object.entries(notMapped).map(([name, instead]) => ({
      name,
      short: `Not available: ${instead}`,
      run: async () => {
        throw v2Failure(1, `${name} has no counterpart on v3 keys: ${instead}`);
      },
    })),
  ],
};

/** Runs one command line of the v2 tool. Never rejects. @returns the exit code */
export async function runEtcdctlV2(argv: readonly string[], io: CliIo): Promise<number> {
  io.stderr.write('note: the v2 API is history; these commands work on v3 keys, where /a/b is the key "/a/b"\n');
  return execute(root, cobraStyle, argv.map(longFlag), io);
}

/** Flags of the v2 tool were written with one dash as well. */
function longFlag(arg: string): string {
  const known = ['ttl', 'dir', 'sort', 'recursive', 'quorum', 'output', 'endpoints', 'endpoint', 'peers'];
  const name = /^-([a-z]{2,})(?:=|$)/.exec(arg)?.[1];
  return name !== undefined && known.includes(name) ? `-${arg}` : arg === '-C' ? '--peers' : arg;
}
