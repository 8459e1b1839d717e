/** `etcdlab certs list`: the files, and when they expire. */
import { PkiStore } from '../../../pki/mod.ts';
import { ExitCode } from '../../errors.ts';
import { formatSpan, formatTable } from '../../output/table.ts';
import { type CertificateListing, listCertificates } from '../../provision/certificate-list.ts';
import { addCommand, type Cli, type CommonOptions, openLab, type RegisterCommand } from '../cli.ts';
import { wrapReason } from './text.ts';

export const registerList: RegisterCommand = (certs, cli) => {
  addCommand<CommonOptions>(
    certs,
    cli,
    'list',
    'list certificates and when they expire; exit code 1 if one is unusable',
    (options) => list(cli, options),
  );
};

const dayMs = 86_400_000;

async function list(cli: Cli, options: CommonOptions): Promise<number> {
  const lab = await openLab(cli, options);
  const now = new Date();
  const listing = await listCertificates(new PkiStore(lab.paths.pki), lab.nodes, lab.state.certificates, now);
  const value = listing.map((entry) => ({ ...entry, ...daysLeft(entry, now) }));
  cli.ui.listing(formatCertificates(listing, now), value);
  return listing.some((certificate) => certificate.status === 'unusable') ? ExitCode.failed : ExitCode.ok;
}

function daysLeft({ notAfter }: CertificateListing, now: Date): { daysLeft?: number } {
  return notAfter === undefined ? {} : { daysLeft: Math.floor((notAfter.getTime() - now.getTime()) / dayMs) };
}

/** @returns a table within 80 columns, as far as names allow; why something is not well stands below it */
export function formatCertificates(listing: readonly CertificateListing[], now: Date): string {
  const header = ['CERTIFICATE', 'STATUS', 'LEFT', 'EXPIRES AT', 'KEY', 'SUBJECT'];
  const rows = listing.map(({ name, status, notAfter, algorithm, subject }) => [
    name,
    status,
    notAfter === undefined ? '-' : notAfter <= now ? 'expired' : formatSpan(notAfter.getTime() - now.getTime()),
    notAfter?.toISOString().slice(0, 10) ?? '-',
    algorithm ?? '-',
    subject?.replace('O=etcdlab, ', '') ?? '-',
  ]);
  const reasons = listing.flatMap(({ name, reason }) => (reason === undefined ? [] : wrapReason(name, reason)));
  return [formatTable(header, rows), ...(reasons.length === 0 ? [] : ['', ...reasons])].join('\n');
}
