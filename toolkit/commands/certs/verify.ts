/** `etcdlab certs verify`: whether a certificate would be accepted, and if not, why. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Option } from 'commander';
import { PkiStore, type Problem, splitPem, type VerifyOptions, verify } from '../../../pki/mod.ts';
import { ExitCode, LabError } from '../../errors.ts';
import { authorityNames } from '../../provision/authority-names.ts';
import { addCommand, type Cli, type CommonOptions, locateLab, type RegisterCommand } from '../cli.ts';
import { certificatesOf, findTarget, type Target } from './target.ts';
import { wrapReason } from './text.ts';

type Purpose = 'server' | 'peer' | 'client';

interface VerifyCommandOptions extends CommonOptions {
  readonly ca?: string;
  readonly host?: string;
  readonly as?: Purpose;
}

interface Verdict {
  readonly name: string;
  readonly accepted: boolean;
  readonly problems: readonly Problem[];
}

export const registerVerify: RegisterCommand = (certs, cli) => {
  addCommand<VerifyCommandOptions>(
    certs,
    cli,
    'verify [names-or-files...]',
    'say whether certificates would be accepted, and if not, why (default: all of the lab)',
    (options, names) => run(cli, options, names),
  )
    .option('--ca <file>', 'the authorities to trust (default: those of the lab)')
    .option('--host <name>', 'the name or address that is dialled')
    .addOption(new Option('--as <role>', 'what it is shown as').choices(['server', 'peer', 'client']));
};

async function run(cli: Cli, options: VerifyCommandOptions, names: readonly string[]): Promise<number> {
  const { paths } = await locateLab(cli, options);
  const store = new PkiStore(paths.pki);
  const chosen = names.length > 0 ? names : await ownCertificates(store);
  if (chosen.length === 0) throw new LabError('LAB_USAGE', 'there is nothing to verify: the lab has no certificates');
  const verdicts: Verdict[] = [];
  for (const name of chosen) verdicts.push(await judge(store, options, await findTarget(cli, options, name)));
  cli.ui.listing(formatVerdicts(verdicts), verdicts);
  return verdicts.every(({ accepted }) => accepted) ? ExitCode.ok : ExitCode.failed;
}

async function ownCertificates(store: PkiStore): Promise<string[]> {
  return (await store.names()).filter((name) => !(authorityNames as readonly string[]).includes(name));
}

async function judge(store: PkiStore, options: VerifyCommandOptions, target: Target): Promise<Verdict> {
  const [certificate = target.content] = certificatesOf(target, splitPem);
  const problems = verify({
    certificate,
    ...(await trust(store, options, target)),
    at: new Date(),
    ...purposeOf(options, target),
    ...(options.host !== undefined && { host: options.host }),
    ...(target.store && { key: await readFile(store.keyPath(target.name), 'utf8') }),
  });
  return { name: target.name, accepted: problems.length === 0, problems };
}

async function trust(
  store: PkiStore,
  { ca }: VerifyCommandOptions,
  target: Target,
): Promise<Pick<VerifyOptions, 'authorities' | 'revocationLists'>> {
  if (ca !== undefined) {
    const pem = await readFile(resolve(ca), 'utf8').catch((cause: unknown) => {
      throw new LabError('LAB_FILE', `${ca} cannot be read`, { cause });
    });
    if (splitPem(pem).length === 0) throw new LabError('LAB_FILE', `${ca} holds no certificate in PEM form`);
    return { authorities: [pem] };
  }
  // A peer's certificate is of the peers' authority alone: a client's that passes for one is what must not be.
  const names = authorityNames.filter(
    (name) => !target.store || target.name.startsWith('peer-') === (name === 'peer-ca'),
  );
  const authorities: string[] = [];
  const revocationLists: Uint8Array[] = [];
  for (const name of names) {
    authorities.push((await store.read(name)).certificate ?? '');
    const list = await store.readRevocationList(name);
    if (list !== undefined) revocationLists.push(list);
  }
  return { authorities, revocationLists };
}

/** A member shows its certificates to others too: a server's to itself, when its gateway calls it. */
function purposeOf({ as }: VerifyCommandOptions, target: Target): Pick<VerifyOptions, 'purpose'> {
  const role = as ?? (target.store ? target.name.split('-')[0] : undefined);
  if (role === 'client') return { purpose: 'clientAuth' };
  return role === 'server' || role === 'peer' ? { purpose: 'both' } : {};
}

export function formatVerdicts(verdicts: readonly Verdict[]): string {
  return verdicts
    .flatMap(({ name, accepted, problems }) =>
      accepted
        ? [`${name}: would be accepted`]
        : problems.flatMap(({ reason }) => wrapReason(name, `refused: ${reason}`)),
    )
    .join('\n');
}
