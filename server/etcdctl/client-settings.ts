/** From flags and environment to the settings of a client, refusing what cannot work before anything is dialled. */
import fs from 'node:fs';
import type { Invocation } from '../cli/command.ts';
import { setFlagsFromEnvironment } from '../cli/environment.ts';
import { badArgs, ExitCode, ExitError } from '../cli/exit-error.ts';
import type { FlagSet } from '../cli/flag-set.ts';
import type { CliIo } from '../cli/io.ts';
import { type ClientTls, type EtcdClientOptions, parseEndpoint } from '../client/calls.ts';
import { globalFlags } from './global-flags.ts';
import { askPassword } from './password.ts';

/**
 * Takes the global flags from the environment where they are not on the command line.
 *
 * @throws ExitError (1) when a flag is given both ways
 */
export function applyEnvironment({ flags, io }: Invocation): void {
  setFlagsFromEnvironment('ETCDCTL', globalFlags, flags, io);
  if (flags.bool('debug')) dumpFlags(flags, io);
}

/** @throws ExitError (128) for bad TLS flags, (2) without an endpoint */
export async function clientSettings({ flags, io }: Invocation): Promise<EtcdClientOptions> {
  const discovered = await discoveredEndpoints(flags, io);
  const tls = tlsSettings(flags);
  const endpoints =
    discovered.length > 0 ? discovered : flags.stringSlice('endpoints').map((endpoint) => endpoint.trim());
  if (endpoints.length === 0) throw new ExitError(ExitCode.BadConnection, 'etcdclient: no available endpoints');
  for (const endpoint of endpoints) parseEndpoint(endpoint);
  const commandTimeoutMs = flags.duration('command-timeout');
  return {
    endpoints,
    tls,
    user: await userSettings(flags, io),
    // As upstream, a command waits for a member to come up as long as it waits for its answer.
    dialTimeoutMs: Math.max(flags.duration('dial-timeout'), commandTimeoutMs),
    requestTimeoutMs: commandTimeoutMs,
    keepaliveTimeMs: flags.duration('keepalive-time'),
    keepaliveTimeoutMs: flags.duration('keepalive-timeout'),
  };
}

/**
 * Settings for the one cluster that `make-mirror` writes to; times are those of the source.
 *
 * @throws ExitError (128) for bad TLS flags
 */
export async function destinationSettings(
  { flags, io }: Invocation,
  endpoint: string,
  source: EtcdClientOptions,
): Promise<EtcdClientOptions> {
  parseEndpoint(endpoint);
  const user = await userSettings(flags, io, 'dest-', 'Destination Password: ');
  return { ...source, endpoints: [endpoint], tls: tlsSettings(flags, 'dest-'), user };
}

async function discoveredEndpoints(flags: FlagSet, io: CliIo): Promise<readonly string[]> {
  const domain = flags.string('discovery-srv');
  if (domain === '') return [];
  // Loaded by those who ask for it: it brings Node's resolver.
  const { discoverEndpoints } = await import('./discovery.ts');
  const service = flags.string('discovery-srv-name');
  return discoverEndpoints({ domain, service, insecure: flags.bool('insecure-discovery') }, io);
}

/** @param prefix of the flags' names */
function tlsSettings(flags: FlagSet, prefix = ''): ClientTls | undefined {
  const names = ['cert', 'key', 'cacert'].map((name) => `${prefix}${name}`);
  for (const name of names) {
    if (flags.changed(name) && flags.string(name) === '') throw badArgs(`empty string is passed to --${name} option`);
  }
  const [cert = '', key = '', ca = ''] = names.map((name) => flags.string(name));
  if ((cert === '') !== (key === '')) {
    throw badArgs(`KeyFile and CertFile must both be present[key: ${key}, cert: ${cert}]`);
  }
  if (cert === '' && ca === '' && flags.bool(`${prefix}insecure-transport`)) return undefined;
  // Who does not trust what DNS says wants members to prove that they belong to the domain.
  const isDomainChecked = prefix === '' && !flags.bool('insecure-discovery');
  return {
    ca: readPem(ca, 'CERTIFICATE'),
    cert: readPem(cert, 'CERTIFICATE'),
    key: readPem(key, 'PRIVATE KEY'),
    insecureSkipVerify: prefix === '' && flags.bool('insecure-skip-tls-verify'),
    serverName: isDomainChecked ? flags.string('discovery-srv') || undefined : undefined,
  };
}

/** PEM files by name, where they are named. @throws ExitError (128) when one cannot be read */
export function clientTlsFromFiles(files: { cert: string; key: string; ca: string }): ClientTls | undefined {
  if (files.cert === '' && files.key === '' && files.ca === '') return undefined;
  return {
    ca: readPem(files.ca, 'CERTIFICATE'),
    cert: readPem(files.cert, 'CERTIFICATE'),
    key: readPem(files.key, 'PRIVATE KEY'),
  };
}

function readPem(file: string, label: string): Buffer | undefined {
  if (file === '') return undefined;
  let pem: Buffer;
  try {
    pem = fs.readFileSync(file);
  } catch (error) {
    throw badArgs(`open ${file}: ${systemErrorText(error)}`);
  }
  if (!new RegExp(`-----BEGIN [A-Z ]*${label}-----`).test(pem.toString('latin1'))) {
    throw badArgs(`${file}: there is no PEM block "${label}" in it`);
  }
  return pem;
}

/** The text of an error of the operating system as C and Go have it. */
export function systemErrorText(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  const texts: Record<string, string> = {
    ENOENT: 'no such file or directory',
    EACCES: 'permission denied',
    EISDIR: 'is a directory',
    ENOTDIR: 'not a directory',
    ENOSPC: 'no space left on device',
  };
  return texts[code ?? ''] ?? message;
}

/** Without a password nobody is logged in, as upstream has it: the server then says that there is no user. */
async function userSettings(
  flags: FlagSet,
  io: CliIo,
  prefix = '',
  prompt = 'Password: ',
): Promise<EtcdClientOptions['user']> {
  const user = flags.string(`${prefix}user`);
  if (user === '') return undefined;
  const given = flags.string(`${prefix}password`);
  const colon = given === '' ? user.indexOf(':') : -1;
  const name = colon < 0 ? user : user.slice(0, colon);
  const password = colon < 0 ? given || (await askPassword(prompt, io)) : user.slice(colon + 1);
  return password === '' ? undefined : { name, password };
}

function dumpFlags(flags: FlagSet, io: CliIo): void {
  const secret = '********';
  const names = globalFlags.map(({ name }) => name).sort();
  for (const name of names) {
    const value = flags.text(name);
    const shown =
      name === 'user' ? value.replace(/:.*$/s, `:${secret}`) : name === 'password' && value !== '' ? secret : value;
    io.stderr.write(`ETCDCTL_${name.toUpperCase().replaceAll('-', '_')}=${shown}\n`);
  }
}
