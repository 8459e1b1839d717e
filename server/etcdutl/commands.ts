/** `snapshot status` and `snapshot restore`: etcdutl's, and until 3.5 etcdctl's (contract: cli §7). */
import type { Command, Invocation } from '../cli/command.ts';
import { badArgs, ExitCode, ExitError } from '../cli/exit-error.ts';
import { flag } from '../cli/flag-set.ts';
import { humanizeBytes } from '../cli/numbers.ts';
import { ProgressLine, progressBar } from '../cli/progress-line.ts';
import { requireStatusFormat, snapshotStatusText } from '../cli/snapshot-status-text.ts';
import { restoreSnapshot } from './restore.ts';
import { SnapshotError } from './snapshot-error.ts';
import { snapshotStatus } from './snapshot-status.ts';

const defaultName = 'default';

export const statusCommand: Command = {
  name: 'status',
  argumentsUsage: '<filename>',
  short: 'Verifies a snapshot file and shows its hash, revision, keys and size',
  run: runStatus,
};

/** @param requireDataDir etcdutl wants `--data-dir`; etcdctl falls back to `<name>.etcd` */
export function restoreCommand({ requireDataDir }: { requireDataDir: boolean }): Command {
  return {
    name: 'restore',
    argumentsUsage: requireDataDir ? '<filename> --data-dir {output dir} [options]' : '<filename> [options]',
    short: 'Makes a data directory for one member of a new cluster from a snapshot file',
    flags: [
      { ...flag.string('data-dir', '', 'directory to make; must not exist or be empty'), required: requireDataDir },
      flag.string('wal-dir', '', 'directory for the log; inside the data directory if not given'),
      flag.string('initial-cluster', `${defaultName}=http://localhost:2380`, 'all members as name=url,name=url'),
      flag.string('initial-cluster-token', 'etcd-cluster', 'token of the new cluster; must differ from the old one'),
      flag.string('initial-advertise-peer-urls', 'http://localhost:2380', 'peer URLs of this member'),
      flag.string('name', defaultName, 'name of this member'),
      flag.bool('skip-hash-check', false, 'accept a file without SHA-256, such as a copied database'),
      flag.uint64(
        'initial-memory-map-size',
        requireDataDir ? 10n * 1024n ** 3n : 0n,
        'accepted for compatibility; nothing is mapped into memory',
      ),
      flag.uint64('bump-revision', 0n, 'raise the revision by this much, so that it never goes backwards for clients'),
      flag.bool('mark-compacted', false, 'mark all below the raised revision as compacted; goes with --bump-revision'),
    ],
    run: runRestore,
  };
}

export const snapshotCommand: Command = {
  name: 'snapshot',
  short: 'Inspects and restores snapshots',
  commands: [restoreCommand({ requireDataDir: true }), statusCommand],
};

async function runStatus({ args, flags, io }: Invocation): Promise<number> {
  const [file] = args;
  if (file === undefined || args.length > 1) throw badArgs('snapshot status requires exactly one argument');
  const format = flags.string('write-out');
  requireStatusFormat(format);
  const status = await snapshotStatus(file);
  io.stdout.write(snapshotStatusText(format, status));
  if (status.trailer === 'missing') {
    io.stderr.write(`${file} has no SHA-256 at its end: its structure is sound, damaged values would not show\n`);
  }
  return ExitCode.Success;
}

async function runRestore({ args, flags, io }: Invocation): Promise<number> {
  const [snapshotPath] = args;
  if (snapshotPath === undefined || args.length > 1) throw badArgs('snapshot restore requires exactly one argument');
  const bumpRevision = flags.integer('bump-revision');
  if (bumpRevision > 0 !== flags.bool('mark-compacted')) {
    throw badArgs('--mark-compacted required if --revision-bump > 0');
  }
  const name = flags.string('name');
  const dataDir = flags.string('data-dir') || `${name}.etcd`;
  const progress = new ProgressLine(io);
  try {
    const restored = await restoreSnapshot({
      snapshotPath,
      dataDir,
      walDir: flags.string('wal-dir') || undefined,
      name,
      initialCluster: flags.string('initial-cluster'),
      initialClusterToken: flags.string('initial-cluster-token'),
      initialAdvertisePeerUrls: flags.string('initial-advertise-peer-urls').split(','),
      skipHashCheck: flags.bool('skip-hash-check'),
      bumpRevision: bumpRevision > 0 ? bumpRevision : undefined,
      onProgress: (readBytes, sizeBytes) =>
        progress.show(() => `${progressBar(readBytes / sizeBytes)} ${humanizeBytes(readBytes)}`),
    });
    progress.clear();
    const { memberId, clusterId, members, revision } = restored;
    const who = `member ${memberId.toString(16)} of cluster ${clusterId.toString(16)} (${members.length} members)`;
    io.stderr.write(`restored ${snapshotPath} at revision ${revision} to ${dataDir} as ${who}\n`);
    return ExitCode.Success;
  } catch (error) {
    progress.clear();
    if (error instanceof SnapshotError) throw new ExitError(ExitCode.Error, error.message, error);
    throw error;
  }
}
