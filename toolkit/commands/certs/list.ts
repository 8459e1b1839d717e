/** `etcdlab certs list`: the files, and when they expire. */
import { PkiStore } from '../../../pki/mod.ts';
import { ExitCode } from '../../errors.ts';
import { formatSpan, formatTable } from '../../output/table.ts';
import { type CertificateListing, listCertificates } from '../../provision/certificate-list.ts';
import { type OlderCertificate, olderCertificates } from '../../provision/older-certificates.ts';
import { addCommand, type Cli, type CommonOptions, openLab, type RegisterCommand } from '../cli.ts';
import { wrapReason } from './text.ts';

interface ListOptions extends CommonOptions {
  readonly older?: boolean;
}

export const registerList: RegisterCommand = (certs, cli) => {
  addCommand<ListOptions>(
    certs,
    cli,
    'list',
    'list certificates and when they expire; exit code 1 if one is unusable',
    (options) => list(cli, options),
  ).option('--older', 'instead, those that were replaced and that members still accept, with their serial numbers');
};

const dayMs = 86_400_000;

async function list(cli: Cli, options: ListOptions): Promise<number> {
  const lab = await openLab(cli, options);
  const now = new Date();
  const store = new PkiStore(lab.paths.pki);
  const older = await olderCertificates(store, now);
  if (options.older === true) {
    const value = older.map(({ name, authority, serial, notAfter }) => ({ name, authority, serial, notAfter }));
    cli.ui.listing(formatOlder(older), value);
    return ExitCode.ok;
  }
  const listing = await listCertificates(store, lab.nodes, lab.state.certificates, now);
  const value = listing.map((entry) => ({ ...entry, ...daysLeft(entry, now) }));
  const count = older.length === 1 ? '1 older one is' : `${older.length} older ones are`;
  const more = older.length === 0 ? '' : `\n\n${count} still accepted: etcdlab certs list --older`;
  cli.ui.listing(formatCertificates(listing, now) + more, value);
  return listing.some((certificate) => certificate.status === 'unusable') ? ExitCode.failed : ExitCode.ok;
}

function daysLeft({ notAfter }: CertificateListing, now: Date): { daysLeft?: number } {
  return notAfter === undefined ? {} : { daysLeft: Math.floor((notAfter.getTime() - now.getTime()) / dayMs) };
}

function formatOlder(older: readonly OlderCertificate[]): string {
  if (older.length === 0) return 'Members accept no certificate that was replaced.';
  const rows = older.map(({ name, serial, notAfter }) => [name, serial, notAfter.toISOString().slice(0, 10)]);
  return formatTable(['CERTIFICATE', 'SERIAL', 'EXPIRES AT'], rows);
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
