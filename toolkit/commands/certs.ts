/** `etcdlab certs`: the certificates of a lab. */
import { PkiStore } from '../../pki/mod.ts';
import { ExitCode } from '../errors.ts';
import { formatSpan, formatTable } from '../output/table.ts';
import { type CertificateListing, listCertificates } from '../provision/certificate-list.ts';
import { addCommand, type Cli, type CommonOptions, openLab, type RegisterCommand } from './cli.ts';

export const registerCerts: RegisterCommand = (program, cli) => {
  const certs = program
    .command('certs')
    .summary('the certificates of the lab')
    .description('The certificates of the lab.');
  addCommand<CommonOptions>(
    certs,
    cli,
    'list',
    'list certificates and when they expire; exit code 1 if one is unusable',
    (options) => list(cli, options),
  );
};

async function list(cli: Cli, options: CommonOptions): Promise<number> {
  const lab = await openLab(cli, options);
  const now = new Date();
  const listing = await listCertificates(new PkiStore(lab.paths.pki), lab.nodes, lab.state.certificates, now);
  cli.ui.listing(formatCertificates(listing, now), listing);
  return listing.some((certificate) => certificate.status === 'unusable') ? ExitCode.failed : ExitCode.ok;
}

export function formatCertificates(listing: readonly CertificateListing[], now: Date): string {
  const header = ['CERTIFICATE', 'STATUS', 'EXPIRES IN', 'EXPIRES AT', 'KEY', 'SUBJECT', 'NAMES'];
  const rows = listing.map(({ name, status, notAfter, algorithm, subject, names, reason }) => [
    name,
    status,
    notAfter === undefined ? '-' : notAfter <= now ? 'expired' : formatSpan(notAfter.getTime() - now.getTime()),
    notAfter?.toISOString().slice(0, 16) ?? '-',
    algorithm ?? '-',
    subject ?? '-',
    reason ?? names.join(' '),
  ]);
  return formatTable(header, rows);
}
