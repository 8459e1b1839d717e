/** `etcdlab exec` and `etcdlab ssh`: on the machine of a node, with the keys and host keys of the lab. */
import { constants } from 'node:os';
import { execa } from 'execa';
import { ExitCode, LabError } from '../errors.ts';
import { sshArguments } from '../hosts/ssh/openssh.ts';
import { SshHost } from '../hosts/ssh/ssh-host.ts';
import type { LabNode } from '../lab/nodes.ts';
import { addCommand, type Cli, type CommonOptions, openLab, type RegisterCommand } from './cli.ts';

export const registerExec: RegisterCommand = (program, cli) => {
  addCommand<CommonOptions>(
    program,
    cli,
    'exec <node> <command...>',
    'run a command on the machine of a node; its exit code is the exit code',
    // The `--` that many write before a command belongs to neither side.
    (options, [node = '', ...command]) => exec(cli, options, node, command[0] === '--' ? command.slice(1) : command),
  )
    // From the node on, everything belongs to the command.
    .passThroughOptions()
    .allowUnknownOption();
};

export const registerSsh: RegisterCommand = (program, cli) => {
  addCommand<CommonOptions>(program, cli, 'ssh <node>', 'log in to the machine of a node', (options, [node = '']) =>
    ssh(cli, options, node),
  );
};

async function exec(cli: Cli, options: CommonOptions, name: string, command: readonly string[]): Promise<number> {
  const node = (await openLab(cli, options)).node(name);
  if (node.host instanceof SshHost) return run('ssh', sshArguments(node.host, command, false));
  const [file = '', ...args] = command;
  return run(file, args, node.paths.root);
}

async function ssh(cli: Cli, options: CommonOptions, name: string): Promise<number> {
  const node: LabNode = (await openLab(cli, options)).node(name);
  if (node.host instanceof SshHost) return run('ssh', sshArguments(node.host, [], cli.io.stdin.isTTY === true));
  throw new LabError('LAB_NOT_SUPPORTED', `${name} is a process of this machine: there is nothing to log in to`, {
    advice: `its files are in ${node.paths.root}`,
  });
}

async function run(file: string, args: readonly string[], cwd?: string): Promise<number> {
  const { exitCode, signal, code, originalMessage } = await execa(file, args, {
    stdio: 'inherit',
    reject: false,
    ...(cwd !== undefined && { cwd }),
  });
  if (code === 'ENOENT' || code === 'EACCES') {
    throw new LabError('LAB_COMMAND_START', `${file} could not be run: ${originalMessage}`);
  }
  return exitCode ?? (signal === undefined ? ExitCode.failed : 128 + constants.signals[signal]);
}
