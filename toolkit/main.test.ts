import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { main } from './main.ts';
import { scratchFolder } from './testing/scratch.ts';

/** Runs the program in an empty folder, not on a terminal. */
async function etcdlab(args: string, folder = scratchFolder(), environment: Record<string, string> = {}) {
  let stdout = '';
  let stderr = '';
  const exitCode = await main(args === '' ? [] : args.split(' '), new AbortController().signal, {
    stdin: Readable.from([]),
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    environment,
    workingDirectory: folder,
  });
  return { exitCode, stdout, stderr, folder };
}

describe('etcdlab', () => {
  it('explains itself when it is asked, or told nothing', async () => {
    for (const args of ['', '--help', 'help']) {
      const { exitCode, stdout, stderr } = await etcdlab(args);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout).toMatch(/^Usage: etcdlab/);
      for (const command of ['up', 'status', 'env', 'ctl', 'logs', 'certs', 'doctor', 'down', 'destroy']) {
        expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
      }
    }
    expect((await etcdlab('up --help')).stdout).toContain('--engine');
  });

  it('tells its version', async () => {
    const { exitCode, stdout } = await etcdlab('--version');
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^etcdlab \d+\.\d+\.\d+\n$/)]);
  });

  it('gives advice that can be typed: as it was started itself, and for the same lab', async () => {
    const started = { ETCDLAB_COMMAND: 'npx etcdlab' };
    const { stderr } = await etcdlab('status --name mine', scratchFolder(), started);
    expect(stderr).toContain('  try: npx etcdlab up --name mine\n');
    expect((await etcdlab('upp', scratchFolder(), started)).stderr).toContain('  try: npx etcdlab --help\n');
  });

  it.each([
    ['upp', "unknown command 'upp' (did you mean up?)", 'etcdlab'],
    ['frobnicate', "unknown command 'frobnicate'", 'etcdlab'],
    ['up --jason', "unknown option '--jason' (did you mean --json?)", 'etcdlab up'],
    ['status --name', "option '--name <name>' argument missing", 'etcdlab status'],
    [
      'logs -n many',
      "option '-n, --lines <count>' argument 'many' is invalid. It must be a number from 0 to 100000.",
      'etcdlab logs',
    ],
    [
      'env --shell bash',
      "option '--shell <shell>' argument 'bash' is invalid. Allowed choices are posix, fish, powershell.",
      'etcdlab env',
    ],
    ['logs node1 node2', "too many arguments for 'logs'. Expected 1 argument but got 2: node1, node2.", 'etcdlab logs'],
    ['backup prune --kep 1', "unknown option '--kep' (did you mean --keep?)", 'etcdlab backup prune'],
    ['certs frobnicate', "unknown command 'frobnicate'", 'etcdlab certs'],
  ])('%s is refused with one line, the help that says more, and exit code 2', async (args, message, command) => {
    const { exitCode, stdout, stderr } = await etcdlab(args);
    expect(stderr).toBe(`error: ${message} (LAB_USAGE)\n  try: ${command} --help\n`);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });

  it('says in JSON what is wrong, if JSON was asked for', async () => {
    for (const [args, code] of [
      ['status --json', 'LAB_MISSING'],
      ['upp --json', 'LAB_USAGE'],
    ] as const) {
      const { stdout, stderr } = await etcdlab(args);
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toMatchObject({ event: 'error', code });
    }
  });

  it.each(['down', 'destroy --yes'])('%s without a lab has nothing to do', async (command) => {
    const { exitCode, stdout } = await etcdlab(command);
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining("There is no lab 'lab'")]);
  });

  it('shows the verbs of certs when none is given', async () => {
    const { exitCode, stdout } = await etcdlab('certs');
    expect(exitCode).toBe(0);
    for (const verb of ['list', 'check', 'inspect', 'verify', 'renew', 'issue', 'revoke', 'rotate-ca', 'export']) {
      expect(stdout).toMatch(new RegExp(`^  ${verb} `, 'm'));
    }
  });

  it.each(['status', 'env', 'ctl member list', 'logs', 'certs list'])(
    '%s says that there is no lab yet, and makes nothing',
    async (args) => {
      const { exitCode, stderr, folder } = await etcdlab(args);
      expect(stderr).toMatch(/^error: there is no lab .*\.etcdlab.* \(LAB_MISSING\)/);
      expect(exitCode).toBe(1);
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  it('renders the members of one cluster, however often it is asked', async () => {
    const folder = scratchFolder();
    const nodes = [1, 2].map((n) => `{ name: node${n}, address: 10.0.0.${n} }`);
    writeFileSync(join(folder, 'lab.yaml'), `provider: ssh\nssh: { user: lab }\nnodes: [${nodes}]`);
    const script = async (node: string) => (await etcdlab(`render shell --node ${node}`, folder)).stdout;
    const cluster = (text: string) => text.match(/^initial-cluster(-token)?: .*$/gm);
    const [first, second] = [await script('node1'), await script('node2')];
    expect(cluster(first)).toHaveLength(2);
    expect(cluster(second)).toEqual(cluster(first));
    expect(await script('node1')).toBe(first);
    expect((await etcdlab('render certificates', folder)).stdout).toContain(
      '\ncertificate server-node2 client-ca node2 ',
    );
    expect(readdirSync(folder)).toEqual(['lab.yaml']);
  });

  it('reads lab.yaml of the folder, another file, or none', async () => {
    const folder = scratchFolder();
    writeFileSync(join(folder, 'lab.yaml'), 'name: here');
    writeFileSync(join(folder, 'other.yaml'), 'name: there');
    expect((await etcdlab('status', folder)).stderr).toContain("no lab 'here'");
    expect((await etcdlab('status --file other.yaml', folder)).stderr).toContain("no lab 'there'");
    expect((await etcdlab('status --name mine', folder)).stderr).toContain("no lab 'mine'");
    writeFileSync(join(folder, 'lab.yaml'), 'name: [');
    const { exitCode, stderr } = await etcdlab('status', folder);
    expect(stderr).toMatch(/lab\.yaml:1:8: .* \(LAB_CONFIG\)/);
    expect(exitCode).toBe(2);
  });

  it('keeps labs where it is told', async () => {
    const folder = scratchFolder();
    const stderr = async (args: string, environment = {}) => (await etcdlab(args, folder, environment)).stderr;
    expect(await stderr('status')).toContain(`in ${folder}/.etcdlab `);
    expect(await stderr('status', { ETCDLAB_STATE_DIR: '/var/labs' })).toContain('in /var/labs ');
    expect(await stderr('status --state-dir labs', { ETCDLAB_STATE_DIR: '/var/labs' })).toContain(`in ${folder}/labs `);
  });

  it('needs Vagrant for provider vagrant, and says so', async () => {
    const folder = scratchFolder();
    writeFileSync(join(folder, 'lab.yaml'), 'provider: vagrant');
    vi.stubEnv('PATH', folder);
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const { exitCode, stderr } = await etcdlab('up', folder);
    expect(stderr).toContain('vagrant is not installed (LAB_VAGRANT)');
    expect(exitCode).toBe(1);
    expect(existsSync(join(folder, '.etcdlab'))).toBe(false);
  });

  it('refuses to come up on a port in use, with the cure, and leaves nothing behind', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const folder = scratchFolder();
    writeFileSync(join(folder, 'lab.yaml'), `nodes: [{ name: a, clientPort: ${port}, peerPort: 1024 }]`);
    const { exitCode, stderr } = await etcdlab('up', folder);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(
      /problems? must be solved before the lab can come up; nothing was changed \(LAB_PREFLIGHT\)/,
    );
    expect(stderr).toContain(`127.0.0.1:${port} (a, clients): in use by pid ${process.pid}`);
    expect(readdirSync(folder)).toEqual(['lab.yaml']);
  });

  it('removes nothing that is no lab, and nothing unasked', async () => {
    const folder = scratchFolder();
    mkdirSync(join(folder, '.etcdlab/lab/hosts'), { recursive: true });
    expect(await etcdlab('destroy', folder)).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('must be confirmed'),
    });
    writeFileSync(join(folder, '.etcdlab/lab/thesis.txt'), '');
    expect(await etcdlab('destroy --yes', folder)).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('holds what no lab does: thesis.txt'),
    });
    expect(existsSync(join(folder, '.etcdlab/lab/thesis.txt'))).toBe(true);
  });

  it('removes a lab whose state is damaged', async () => {
    const folder = scratchFolder();
    mkdirSync(join(folder, '.etcdlab/lab/hosts/node1'), { recursive: true });
    writeFileSync(join(folder, '.etcdlab/lab/state.json'), 'nonsense');
    expect((await etcdlab('status', folder)).stderr).toContain('etcdlab destroy');
    expect((await etcdlab('destroy --yes', folder)).exitCode).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  });
});
