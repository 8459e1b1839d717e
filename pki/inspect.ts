/** What a certificate says. */
import { X509Certificate } from 'node:crypto';
import { type Asn1, children, content, decode, oidOf } from './der.ts';
import { PkiError } from './errors.ts';
import { describeKey } from './keys.ts';
import { generalNameTag, ipText } from './names.ts';
import { placeInBytes, placeInPem } from './place.ts';
import { clientAuth, serverAuth } from './profiles.ts';

export interface CertificateFacts {
  /** One line: `O=etcdlab, CN=node1`. */
  readonly subject: string;
  readonly issuer: string;
  readonly commonName: string | undefined;
  /** Upper-case hexadecimal. */
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly isAuthority: boolean;
  readonly keyUsage: readonly string[];
  /** `serverAuth`, `clientAuth`, or the OID of another usage. Empty: no restriction. */
  readonly extendedKeyUsage: readonly string[];
  /** `ecdsa-p256`, `ecdsa-p384`, `rsa-BITS`, or what node:crypto calls another key. */
  readonly algorithm: string;
  /** SHA-256 over the DER, upper-case hexadecimal with colons. */
  readonly fingerprint: string;
  readonly subjectKeyId: string | undefined;
  readonly authorityKeyId: string | undefined;
}

const keyUsageNames = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
];
const extendedUsageNames: Readonly<Record<string, string>> = { [serverAuth]: 'serverAuth', [clientAuth]: 'clientAuth' };

/** @param certificate PEM or DER; of several certificates in one PEM the first @throws PkiError PKI_PEM */
export function parseCertificate(certificate: string | Uint8Array): X509Certificate {
  try {
    return new X509Certificate(certificate);
  } catch (cause) {
    const place = typeof certificate === 'string' ? placeInPem(certificate) : placeInBytes(certificate);
    throw new PkiError('PKI_PEM', `this is not a certificate in PEM or DER form${place}`, { cause });
  }
}

/** @param certificate PEM or DER @throws PkiError PKI_PEM */
export function inspect(certificate: string | Uint8Array | X509Certificate): CertificateFacts {
  const x509 = certificate instanceof X509Certificate ? certificate : parseCertificate(certificate);
  try {
    return factsOf(x509);
  } catch (cause) {
    if (cause instanceof PkiError) throw cause;
    throw new PkiError('PKI_PEM', 'the certificate holds an extension that cannot be read', { cause });
  }
}

function factsOf(x509: X509Certificate): CertificateFacts {
  const extensions = extensionsOf(x509);
  const names = extensions.get('2.5.29.17');
  const alternatives = names === undefined ? [] : children(names);
  const subject = oneLine(x509.subject);
  return {
    subject,
    issuer: oneLine(x509.issuer),
    commonName: commonNameOf(x509),
    serial: x509.serialNumber,
    notBefore: x509.validFromDate,
    notAfter: x509.validToDate,
    dnsNames: ofTag(alternatives, generalNameTag.dnsName).map((octets) => octets.toString('latin1')),
    ipAddresses: ofTag(alternatives, generalNameTag.ipAddress).map(ipText),
    isAuthority: x509.ca,
    keyUsage: keyUsage(extensions.get('2.5.29.15')),
    extendedKeyUsage: extendedUsage(extensions.get('2.5.29.37')),
    algorithm: algorithmOf(x509),
    fingerprint: x509.fingerprint256,
    subjectKeyId: hex(extensions.get('2.5.29.14')),
    authorityKeyId: authorityKeyId(extensions.get('2.5.29.35')),
  };
}

/** The last one, which is whom etcd takes a client for. Not from `subject`: in that text the names stand escaped. */
function commonNameOf(x509: X509Certificate): string | undefined {
  const { CN } = x509.toLegacyObject().subject;
  return Array.isArray(CN) ? CN.at(-1) : CN;
}

/** The values of all extensions by OID. */
function extensionsOf(x509: X509Certificate): Map<string, Asn1> {
  const [toBeSigned] = children(decode(x509.raw));
  const wrapper = children(toBeSigned).find(
    (field) => field.tagClass === 0x80 && Number(field.type) === 3 && Array.isArray(field.value),
  );
  const extensions = new Map<string, Asn1>();
  for (const extension of wrapper === undefined ? [] : children(children(wrapper)[0])) {
    const fields = children(extension);
    extensions.set(oidOf(fields[0]), decode(content(fields.at(-1))));
  }
  return extensions;
}

/** Node.js writes one attribute a line, or leaves the name undefined when it is empty. */
function oneLine(name: string | undefined): string {
  return (name ?? '').replaceAll('\n', ', ');
}

function ofTag(names: readonly Asn1[], tag: number): Buffer[] {
  return names.filter((name) => Number(name.type) === tag).map(content);
}

function keyUsage(value: Asn1 | undefined): string[] {
  if (value === undefined) return [];
  const bits = content(value).subarray(1);
  return keyUsageNames.filter((_, index) => ((bits[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0);
}

function extendedUsage(value: Asn1 | undefined): string[] {
  return value === undefined
    ? []
    : children(value).map((usage) => {
        const dotted = oidOf(usage);
        return extendedUsageNames[dotted] ?? dotted;
      });
}

function algorithmOf(x509: X509Certificate): string {
  try {
    return describeKey(x509.publicKey);
  } catch {
    return x509.publicKey.asymmetricKeyType ?? 'unknown';
  }
}

function hex(value: Asn1 | undefined): string | undefined {
  return value === undefined ? undefined : content(value).toString('hex');
}

function authorityKeyId(value: Asn1 | undefined): string | undefined {
  return value === undefined ? undefined : hex(children(value).find((field) => Number(field.type) === 0));
}
