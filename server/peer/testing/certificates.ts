/** Certificates for tests, made by the openssl command: a CA, and leaves that it signs. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface Leaf {
  certFile: string;
  keyFile: string;
}

export class TestCa {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'peer-pki-'));
  readonly caFile = path.join(this.folder, 'ca.pem');
  private readonly caKeyFile = path.join(this.folder, 'ca-key.pem');

  constructor(name = 'test-ca') {
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    this.openssl('req', '-x509', ...newKey, '-keyout', this.caKeyFile, '-out', this.caFile, '-subj', `/CN=${name}`);
  }

  /** @param san such as `IP:127.0.0.1,DNS:localhost`; empty for none */
  issue(name: string, san: string, commonName = name): Leaf {
    const certFile = path.join(this.folder, `${name}.pem`);
    const keyFile = path.join(this.folder, `${name}-key.pem`);
    const request = path.join(this.folder, `${name}.csr`);
    const extensions = path.join(this.folder, `${name}.ext`);
    fs.writeFileSync(extensions, `basicConstraints=CA:FALSE\n${san === '' ? '' : `subjectAltName=${san}\n`}`);
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    this.openssl('req', '-new', ...newKey, '-keyout', keyFile, '-out', request, '-subj', `/CN=${commonName}`);
    const signer = ['-CA', this.caFile, '-CAkey', this.caKeyFile, '-CAcreateserial'];
    this.openssl('x509', '-req', '-in', request, ...signer, '-out', certFile, '-days', '1', '-extfile', extensions);
    return { certFile, keyFile };
  }

  remove(): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  private openssl(...args: string[]): void {
    execFileSync('openssl', args, { stdio: 'pipe' });
  }
}
