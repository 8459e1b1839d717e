/** Certificates for tests, in a directory that is theirs. */
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type CertifiedKey, createAuthority, issue, systemSources } from '../../../pki/mod.ts';

const dayMs = 86_400_000;

export class TestPki {
  readonly authority: CertifiedKey;
  private readonly directory: string;

  constructor(directory: string, commonName = 'test CA') {
    this.directory = directory;
    this.authority = createAuthority({ commonName, validityMs: 10 * dayMs }, systemSources);
  }

  server(commonName = 'server'): CertifiedKey {
    const request = { profile: 'server', commonName, dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] } as const;
    return issue(this.authority, { ...request, validityMs: dayMs }, systemSources);
  }

  client(commonName: string, dnsNames: string[] = []): CertifiedKey {
    return issue(this.authority, { profile: 'client', commonName, dnsNames, validityMs: dayMs }, systemSources);
  }

  /** Of a client as `client()` issues it, with letters where the two dates of its validity (UTCTime) should be. */
  damagedClient(commonName: string): CertifiedKey {
    const { certificate, key } = this.client(commonName);
    return { certificate: withDamagedDates(certificate), key };
  }

  /** @returns the path of the file that was written */
  write(name: string, text: string | Uint8Array): string {
    const file = path.join(this.directory, name);
    writeFileSync(file, text);
    return file;
  }
}

/** @param certificate PEM @returns PEM of the same one, whose dates are none */
export function withDamagedDates(certificate: string): string {
  const der = Buffer.from(new X509Certificate(certificate).raw);
  const utcTime = Buffer.of(0x17, 13);
  for (let at = der.indexOf(utcTime); at !== -1; at = der.indexOf(utcTime, at + 15)) der.fill('x', at + 2, at + 15);
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
