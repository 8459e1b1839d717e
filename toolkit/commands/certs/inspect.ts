/** `etcdlab certs inspect`: all that a certificate says. */
import { type CertificateFacts, inspect, splitPem } from '../../../pki/mod.ts';
import { formatSpan } from '../../output/table.ts';
import { addCommand, type Cli, type CommonOptions, type RegisterCommand } from '../cli.ts';
import { certificatesOf, findTarget } from './target.ts';

export const registerInspect: RegisterCommand = (certs, cli) => {
  addCommand<CommonOptions>(
    certs,
    cli,
    'inspect <name-or-file>',
    'show all that a certificate of the lab, or a PEM or DER file, says',
    (options, [name = '']) => show(cli, options, name),
  );
};

async function show(cli: Cli, options: CommonOptions, name: string): Promise<undefined> {
  const target = await findTarget(cli, options, name);
  const facts = certificatesOf(target, splitPem).map((certificate) => inspect(certificate));
  const now = new Date();
  cli.ui.listing(facts.map((each) => formatFacts(each, now)).join('\n\n'), facts);
  return undefined;
}

export function formatFacts(facts: CertificateFacts, now: Date): string {
  const { notBefore, notAfter } = facts;
  const left = notAfter.getTime() - now.getTime();
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['subject', facts.subject],
    ['issuer', facts.issuer],
    ['serial', facts.serial],
    ['valid from', notBefore.toISOString()],
    ['valid until', `${notAfter.toISOString()} (${left > 0 ? `${formatSpan(left)} left` : 'expired'})`],
    ['DNS names', facts.dnsNames.join(' ') || undefined],
    ['addresses', facts.ipAddresses.join(' ') || undefined],
    ['authority', facts.isAuthority ? 'yes' : 'no'],
    ['key', facts.algorithm],
    ['key usage', facts.keyUsage.join(' ') || undefined],
    ['extended usage', facts.extendedKeyUsage.join(' ') || undefined],
    ['subject key id', facts.subjectKeyId],
    ['authority key id', facts.authorityKeyId],
    ['SHA-256', facts.fingerprint.replaceAll(':', '').toLowerCase()],
  ];
  return rows.flatMap(([label, value]) => (value === undefined ? [] : [`${label.padEnd(18)}${value}`])).join('\n');
}
