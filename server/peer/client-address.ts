/**
 * Whether whoever connects comes from where its certificate says: a stolen peer key is of no use elsewhere
 * (contract: api.md §7, "dialer SAN check").
 */

import type { X509Certificate } from 'node:crypto';
import dns from 'node:dns/promises';

/** Name service, both ways. Answers must come within a bounded time; a failed look-up throws. */
export interface NameService {
  /** The addresses of a host name. */
  addressesOf(name: string): Promise<string[]>;
  /** The host names of an address. */
  namesOf(address: string): Promise<string[]>;
}

const lookupTimeoutMs = 5000;
/** More names than this in one certificate are not looked up. */
const maxNames = 100;

/** The operating system's resolver, hosts file included. */
export const systemNameService: NameService = {
  async addressesOf(name) {
    return (await withinDeadline(dns.lookup(name, { all: true }))).map(({ address }) => address);
  },
  async namesOf(address) {
    return [(await withinDeadline(dns.lookupService(address, 0))).hostname];
  },
};

async function withinDeadline<T>(lookup: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${lookupTimeoutMs} ms`)), lookupTimeoutMs);
  });
  try {
    return await Promise.race([lookup, late]);
  } finally {
    clearTimeout(timer);
  }
}

export interface CertificateNames {
  ipAddresses: string[];
  dnsNames: string[];
}

/** The subject alternative names of a certificate. */
export function namesOfCertificate(certificate: X509Certificate): CertificateNames {
  const names: CertificateNames = { ipAddresses: [], dnsNames: [] };
  for (const each of (certificate.subjectAltName ?? '').split(', ')) {
    if (each.startsWith('IP Address:')) names.ipAddresses.push(each.slice('IP Address:'.length));
    if (each.startsWith('DNS:')) names.dnsNames.push(each.slice('DNS:'.length));
  }
  return names;
}

/**
 * Checks the address that a connection comes from.
 *
 * With IP SANs, one must be the address; failing that, and with DNS SANs, the address must have one of the names, or
 * one of the names the address. A certificate without either is good from anywhere.
 *
 * @returns why the connection must be refused, in upstream's words; undefined when it is fine
 */
export async function checkClientAddress(
  certificate: X509Certificate,
  remoteAddress: string,
  names: NameService = systemNameService,
): Promise<string | undefined> {
  const { ipAddresses, dnsNames } = namesOfCertificate(certificate);
  const address = plainAddress(remoteAddress);
  if (ipAddresses.length === 0 && dnsNames.length === 0) return undefined;
  if (ipAddresses.length > 0 && certificate.checkIP(address) !== undefined) return undefined;
  if (dnsNames.length === 0) return `x509: certificate is valid for ${ipAddresses.join(', ')}, not ${address}`;
  if (await isNamedSo(address, dnsNames.slice(0, maxNames), names)) return undefined;
  return `tls: "${address}" does not match any of DNSNames [${dnsNames.map((name) => `"${name}"`).join(' ')}]`;
}

async function isNamedSo(address: string, dnsNames: string[], names: NameService): Promise<boolean> {
  const reverse = await names.namesOf(address).catch(() => []);
  for (const name of reverse.map((each) => each.replace(/\.$/, ''))) {
    for (const pattern of dnsNames) {
      if (pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) : name === pattern) return true;
    }
  }
  const forward = await Promise.all(
    dnsNames.filter((name) => !name.startsWith('*.')).map((name) => names.addressesOf(name).catch(() => [])),
  );
  return forward.flat().some((each) => plainAddress(each) === address);
}

/** An IPv4 address that came over an IPv6 socket as what it is. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
}
