/** From the process's arguments and environment to a configuration, or to the reason why there is none. */
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { LogRecord } from '../base/logger.ts';
import { configFromValues, type EtcdConfig, type HostFacts } from './config.ts';
import { ConfigFileUrlError, parseConfigFile } from './config-file.ts';
import { applyEnvironment, type Environment, EnvironmentConflict } from './environment.ts';
import { FlagSyntaxError, type FlagValues, HelpRequested, parseFlags } from './flags.ts';
import { helpText, usageText, versionText } from './help.ts';
import { UnknownLogLevel } from './log-config.ts';
import { verifyConfig } from './validate.ts';

/** What reading the command line looks at besides the arguments. */
export interface CommandLineSystem {
  readonly environment: Environment;
  readonly readFile: (path: string) => string;
  readonly host: HostFacts;
  /** Such as `node v26.0.0` and `linux/x64`, for `--version`. */
  readonly runtime: string;
  readonly platform: string;
}

export type CommandLine =
  /** Start a member. `log` is what reading the command line has to say, for the logger that `config` asks for. */
  | { readonly kind: 'start'; readonly config: EtcdConfig; readonly log: readonly LogRecord[] }
  /** Print, and end with `exitCode`. `log` goes to stderr as log lines, before `stderr`. */
  | {
      readonly kind: 'exit';
      readonly exitCode: number;
      readonly stdout: string;
      readonly stderr: string;
      readonly log: readonly LogRecord[];
    };

/**
 * Reads the command line, the environment and the configuration file, and checks the result as far as upstream does
 * before it starts (contract: api.md §5.1, §5.3). Touches nothing but the configuration file.
 *
 * @param args without the program's name
 */
export function readCommandLine(args: readonly string[], system: CommandLineSystem): CommandLine {
  const log: LogRecord[] = [];
  try {
    const { values: flags, rest } = parseFlags(args);
    if (rest.length > 0) throw new Error(`'${rest[0]}' is not a valid flag${aboutCommand(rest[0] as string)}`);
    if (flags.boolean('version')) return exit(0, { stdout: versionText(system.runtime, system.platform) });
    const path = flags.string('config-file') || system.environment.ETCD_CONFIG_FILE || '';
    const source = path === '' ? 'flags' : 'file';
    const values = source === 'file' ? readConfigFile(path, system, log) : flags;
    if (source === 'flags') applyEnvironment(values, system.environment, log);
    const config = configFromValues(values, source, system.host, log);
    verifyConfig(config, values);
    return { kind: 'start', config, log };
  } catch (error) {
    return refusal(error as Error, log);
  }
}

/** Upstream's server has two commands, which are programs of their own. */
function aboutCommand(word: string): string {
  if (word !== 'gateway' && word !== 'grpc-proxy') return '';
  return `; 'etcd ${word}' is not part of this server, whose clients balance by themselves: use upstream's, it works with it`;
}

function readConfigFile(path: string, system: CommandLineSystem, log: LogRecord[]): FlagValues {
  let text: string;
  try {
    text = system.readFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(`open ${path}: ${code === 'ENOENT' ? 'no such file or directory' : message}`);
  }
  const values = parseConfigFile(text);
  log.push({
    level: 'info',
    caller: 'etcd/command-line',
    msg: 'loaded server configuration, other configuration command line flags and environment variables will be ignored if provided',
    fields: { path },
  });
  return values;
}

function refusal(error: Error, log: LogRecord[]): CommandLine {
  if (error instanceof HelpRequested) return exit(0, { stderr: usageText, stdout: helpText() });
  if (error instanceof FlagSyntaxError) return exit(2, { stderr: `${error.message}\n${usageText}\n` });
  if (error instanceof UnknownLogLevel) return exit(2, { stderr: `panic: ${error.message}\n` });
  if (error instanceof ConfigFileUrlError) return exit(1, { stderr: `${error.message}\n` });
  if (error instanceof EnvironmentConflict) {
    const fields = { 'environment-variable': error.variable };
    return exit(1, { log: [...log, { level: 'fatal', caller: 'etcd/environment', msg: error.message, fields }] });
  }
  const failed: LogRecord = {
    level: 'warn',
    caller: 'etcd/command-line',
    msg: 'failed to verify flags',
    fields: { error },
  };
  return exit(1, { log: [...log, failed] });
}

function exit(
  exitCode: number,
  { stdout = '', stderr = '', log = [] }: { stdout?: string; stderr?: string; log?: readonly LogRecord[] },
): CommandLine {
  return { kind: 'exit', exitCode, stdout, stderr, log };
}

/** The machine that this process runs on. */
export function thisSystem(): CommandLineSystem {
  return {
    environment: process.env,
    readFile: (path) => readFileSync(path, 'utf8'),
    host: mainAddressOf(networkInterfaces()),
    runtime: `node ${process.version}`,
    platform: `${process.platform}/${process.arch}`,
  };
}

function mainAddressOf(interfaces: ReturnType<typeof networkInterfaces>): HostFacts {
  const outside = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4');
  return outside === undefined ? {} : { mainAddress: outside.address };
}
