/** Names in certificates: distinguished names, and the DNS names and IP addresses that a server is verified by. */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { type Asn1, contextPrimitive, oid, sequence, set, utf8String } from './der.ts';
import { PkiError } from './errors.ts';

export interface Subject {
  /** For a client, the user name that etcd takes it for once auth is enabled. */
  readonly commonName: string;
  readonly organization?: string;
}

/** Upper bound of both attributes (RFC 5280 appendix A.1, ub-common-name and ub-organization-name). */
const maxNameLength = 64;

function attribute(type: string, label: string, value: string): Asn1 {
  if (value.length === 0 || value.length > maxNameLength) {
    throw new PkiError('PKI_INPUT', `${label} '${value}' must have 1 to ${maxNameLength} characters`);
  }
  if (/\p{Cc}/u.test(value)) throw new PkiError('PKI_INPUT', `${label} must not hold control characters`);
  return set(sequence(oid(type), utf8String(value)));
}

/** @throws PkiError PKI_INPUT */
export function distinguishedName({ commonName, organization }: Subject): Asn1 {
  const parts = [attribute('2.5.4.3', 'common name', commonName)];
  if (organization !== undefined) parts.unshift(attribute('2.5.4.10', 'organization', organization));
  return sequence(...parts);
}

/** @throws PkiError PKI_INPUT unless it is a host name, or one with `*` as its first label (RFC 6125 §6.4.3) */
export function assertDnsName(name: string): void {
  const refuse = (why: string, advice?: string) => {
    throw new PkiError('PKI_INPUT', `DNS name '${name}' ${why}`, advice === undefined ? {} : { advice });
  };
  if (isIP(name)) refuse('is an IP address', 'give it as an IP address: verifiers look for it only there');
  if (name.length > 253) refuse('is longer than 253 characters');
  const labels = name.split('.');
  if (labels[0] === '*' && labels.length > 2) labels.shift();
  for (const label of labels) {
    if (!/^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label)) refuse(`has the bad label '${label}'`);
  }
}

/** @returns 4 or 16 octets, as an iPAddress SAN holds them @throws PkiError PKI_INPUT */
export function ipOctets(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  if (!isIPv6(address) || address.includes('%')) {
    throw new PkiError('PKI_INPUT', `'${address}' is not an IP address`, {
      advice: 'give a plain IPv4 or IPv6 address, without a zone, a prefix length or brackets',
    });
  }
  // URL parsing turns every spelling, also one with an embedded IPv4 address, into hexadecimal groups and one `::`.
  const [head = '', tail = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const before = groups(head);
  const after = groups(tail);
  const zeros = new Array<string>(8 - before.length - after.length).fill('0');
  const octets = Buffer.alloc(16);
  [...before, ...zeros, ...after].forEach((group, index) => {
    octets.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  });
  return octets;
}

/** @param octets 4 or 16 @returns the usual spelling (RFC 5952) @throws PkiError PKI_PEM for any other length */
export function ipText(octets: Uint8Array): string {
  if (octets.length === 4) return [...octets].join('.');
  if (octets.length !== 16) throw new PkiError('PKI_PEM', `an IP address of ${octets.length} octets`);
  const view = Buffer.from(octets);
  const groups = Array.from({ length: 8 }, (_, index) => view.readUInt16BE(index * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/** @returns the one spelling of an address that certificates are compared by @throws PkiError PKI_INPUT */
export function canonicalAddress(address: string): string {
  return ipText(ipOctets(address));
}

/** Tags of GeneralName (RFC 5280 §4.2.1.6). */
export const generalNameTag = { dnsName: 2, ipAddress: 7 } as const;

/** @returns GeneralNames, duplicates left out @throws PkiError PKI_INPUT */
export function subjectAlternativeNames(dnsNames: readonly string[], ipAddresses: readonly string[]): Asn1 {
  const names = [...new Set(dnsNames)].map((name) => {
    assertDnsName(name);
    return contextPrimitive(generalNameTag.dnsName, Buffer.from(name, 'ascii'));
  });
  const octets = new Map(ipAddresses.map((address) => [ipOctets(address).toString('hex'), ipOctets(address)]));
  const addresses = [...octets.values()].map((address) => contextPrimitive(generalNameTag.ipAddress, address));
  return sequence(...names, ...addresses);
}
