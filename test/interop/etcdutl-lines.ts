/** Command lines of etcdutl that are refused or change nothing. SNAPSHOT is a good file, SMALL too small for one. */

const restore = (args: string): string => `snapshot restore SNAPSHOT --data-dir TARGET ${args}`;

export const lines: readonly string[] = [
  ...['', 'foo', 'stat', '--bogus', 'help foo', 'version', 'version x', 'version -w json', 'version -w xml'],
  ...['snapshot', 'snapshot foo', 'snapshot --bogus', 'snapshot status', 'snapshot status --bogus'],
  ...['snapshot status SNAPSHOT b', 'snapshot status /nonexistent', 'snapshot status SMALL', 'snap status'],
  ...['protobuf', 'xml'].map((format) => `snapshot status SNAPSHOT -w ${format}`),
  ...['snapshot restore', 'snapshot restore SNAPSHOT', 'snapshot restore --data-dir TARGET', restore('b')],
  ...['/nonexistent', 'SMALL'].map((file) => `snapshot restore ${file} --data-dir TARGET`),
  'snapshot restore SNAPSHOT --data-dir FULL',
  ...['--name x', '--initial-cluster bad', '--initial-cluster default=foo'].map(restore),
  ...['--initial-advertise-peer-urls foo', '--initial-advertise-peer-urls http://localhost:1'].map(restore),
  ...['--bump-revision 5', '--mark-compacted', '--bump-revision x', '--bump-revision -1'].map(restore),
  restore('--skip-hash-check=maybe'),
  ...['defrag', 'defrag x', 'backup', 'backup --data-dir /nonexistent', 'completion foo'],
  ...['check', 'check foo', 'check v2store', 'check v2store x', 'check v2store --data-dir /nonexistent'],
  'check v2store --data-dir /nonexistent --wal-dir /nonexistent/log',
];
