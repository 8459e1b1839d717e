/** The `etcdlab` command: from arguments to a command and an exit code. */
import { Command, CommanderError } from 'commander';
import { registerBackup } from './commands/backup.ts';
import { registerCerts } from './commands/certs/mod.ts';
import type { Cli, CliIo, RegisterCommand } from './commands/cli.ts';
import { registerCtl } from './commands/ctl.ts';
import { registerDestroy } from './commands/destroy.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerDown } from './commands/down.ts';
import { registerDrill } from './commands/drill.ts';
import { registerEngine } from './commands/engine.ts';
import { registerEnv } from './commands/env.ts';
import { registerExec, registerSsh } from './commands/exec.ts';
import { commandVariable, hintWriter } from './commands/hints.ts';
import { registerLogs } from './commands/logs.ts';
import { registerCut, registerHeal, registerRestart, registerStart, registerStop } from './commands/members.ts';
import { registerRender } from './commands/render.ts';
import { registerReplace } from './commands/replace.ts';
import { registerRestore } from './commands/restore.ts';
import { registerStatus } from './commands/status.ts';
import { registerSupport } from './commands/support.ts';
import { registerTour } from './commands/tour.ts';
import { registerUp } from './commands/up.ts';
import { registerWorkshop } from './commands/workshop/mod.ts';
import { ExitCode, LabError } from './errors.ts';
import { projectVersion } from './lab/project.ts';
import { Ui } from './output/ui.ts';

/** In the order of the help text. */
const commands: readonly RegisterCommand[] = [
  registerTour,
  registerUp,
  registerStatus,
  registerEnv,
  registerCtl,
  registerLogs,
  registerSsh,
  registerExec,
  registerStop,
  registerStart,
  registerRestart,
  registerCut,
  registerHeal,
  registerReplace,
  registerDrill,
  registerWorkshop,
  registerBackup,
  registerRestore,
  registerEngine,
  registerCerts,
  registerDoctor,
  registerSupport,
  registerRender,
  registerDown,
  registerDestroy,
];

const exitCodeHelp = `
Exit codes: 0 done, 1 failed, 2 usage, 3 refused before anything was touched, 4 something is due
(certs check), 130 interrupted.
DEBUG=etcdlab shows where an error comes from.`;

/** @returns the program with all its commands; it never ends the process by itself */
export function buildProgram(cli: Cli): Command {
  const program = new Command('etcdlab')
    .description('Bring up a secure etcd cluster, break it on purpose, restore it and prove that nothing was lost.')
    .version(`etcdlab ${projectVersion()}`, '--version')
    .enablePositionalOptions()
    .addHelpText('after', exitCodeHelp);
  // Settings are inherited by commands that are added later.
  program.exitOverride().configureOutput({
    writeOut: (text) => cli.io.stdout.write(text),
    // What commander would say on stderr is in the error that it throws.
    writeErr: () => undefined,
  });
  for (const register of commands) register(program, cli);
  return program;
}

const processIo: CliIo = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  workingDirectory: process.cwd(),
};

/**
 * @param argv arguments without the program's own name
 * @param signal fires when the user interrupts
 * @returns the exit code (see `ExitCode`); errors have been shown
 */
export async function main(
  argv: readonly string[],
  signal: AbortSignal = new AbortController().signal,
  io: CliIo = processIo,
): Promise<number> {
  const ui = new Ui(Ui.modeFor(argv.includes('--json'), io.stdout), io.stdout, io.stderr);
  const cli: Cli = { io, signal, ui, exitCode: ExitCode.ok, opened: [] };
  const program = buildProgram(cli);
  try {
    const complete = hintWriter(program, io.environment[commandVariable]);
    cli.ui = new Ui(ui.mode, io.stdout, io.stderr, undefined, complete);
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync([...argv], { from: 'user' });
    return cli.exitCode;
  } catch (error) {
    const shown = error instanceof CommanderError ? usageError(error, helpFor(program, argv)) : error;
    if (shown === undefined) return ExitCode.ok;
    cli.ui.error(shown, io.environment.DEBUG?.split(',').includes('etcdlab') ?? false);
    return shown instanceof LabError ? shown.exitCode : ExitCode.failed;
  } finally {
    await Promise.all(cli.opened.map((lab) => lab.close()));
  }
}

/** @returns what shows the help of the command that the arguments begin with */
function helpFor(program: Command, argv: readonly string[]): string {
  const words: string[] = [];
  for (let command: Command | undefined = program; command !== undefined; ) {
    words.push(command.name());
    const name: string | undefined = argv[words.length - 1];
    command = command.commands.find((sub) => sub.name() === name);
  }
  return `${words.join(' ')} --help`;
}

/** @returns undefined for `--help`, which commander reports as an error too */
function usageError(error: CommanderError, advice: string): LabError | undefined {
  if (error.exitCode === 0) return undefined;
  // A group without a verb prints its help, and throws without a message of its own.
  if (error.code === 'commander.help') {
    return new LabError('LAB_USAGE', 'a command is missing', { advice });
  }
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = /Did you mean (.*)\?\)/.exec(rest.join(' '))?.[1];
  return new LabError('LAB_USAGE', suggestion === undefined ? first : `${first} (did you mean ${suggestion}?)`, {
    advice,
  });
}

if (import.meta.main) {
  const controller = new AbortController();
  let firstSignalMs = 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // npm and the launcher pass on what the terminal has sent to all of them: one Ctrl-C arrives several times.
      const isEcho = performance.now() - firstSignalMs < 1000;
      // The second time, the user means it: nothing is cleaned up any more.
      if (controller.signal.aborted && !isEcho) process.exit(ExitCode.interrupted);
      if (!controller.signal.aborted) firstSignalMs = performance.now();
      controller.abort();
    });
  }
  // Whoever reads our output has gone, as in `etcdlab logs -f | head`: as good as an interrupt.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    controller.abort();
  });
  process.exitCode = await main(process.argv.slice(2), controller.signal);
}
