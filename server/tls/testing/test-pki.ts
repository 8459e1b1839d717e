/** Certificates for tests, in a directory that is theirs. */
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

  /** @returns the path of the file that was written */
  write(name: string, text: string | Uint8Array): string {
    const file = path.join(this.directory, name);
    writeFileSync(file, text);
    return file;
  }
}
