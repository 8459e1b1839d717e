/** The certificates that `up` makes, as a shell script with openssl, for people who want to do it by hand once. */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { Eta } from 'eta';
import { quoteWord } from '../../hosts/ssh/command-line.ts';
import type { LabConfig } from '../../lab/config.ts';
import type { LabNode } from '../../lab/nodes.ts';
import { projectRoot } from '../../lab/project.ts';
import { authorityNames } from '../authority-names.ts';
import { authorityRequest, wantedCertificates } from '../certificates.ts';

const eta = new Eta({ autoEscape: false, autoTrim: [false, 'nl'] });
const dayMs = 86_400_000;

type KeyAlgorithm = NonNullable<LabConfig['certificates']['authorityAlgorithm']>;

/** As `openssl genpkey` takes it. */
function keyArguments(algorithm: KeyAlgorithm): string {
  const [kind, size] = algorithm.split('-') as [string, string];
  if (kind === 'rsa') return `-algorithm RSA -pkeyopt rsa_keygen_bits:${size}`;
  return `-algorithm EC -pkeyopt ec_paramgen_curve:${size === 'p256' ? 'P-256' : 'P-384'}`;
}

/** @returns a script for `sh`; what it makes is such that `up` has nothing to issue */
export async function renderCertificates(
  lab: string,
  nodes: readonly LabNode[],
  settings: LabConfig['certificates'],
): Promise<string> {
  const authorityAlgorithm = settings.authorityAlgorithm ?? settings.algorithm;
  return eta.renderString(await readFile(join(projectRoot, 'templates', 'certificates.sh'), 'utf8'), {
    lab,
    quote: quoteWord,
    key: keyArguments(settings.algorithm),
    authorityKey: keyArguments(authorityAlgorithm),
    authorityDigest: authorityAlgorithm === 'ecdsa-p384' ? 'sha384' : 'sha256',
    // Less than a day is more than openssl can say.
    days: Math.ceil(settings.validity / dayMs),
    authorityDays: Math.ceil(settings.authorityValidity / dayMs),
    authorities: authorityNames.map((name) => [name, authorityRequest(name, settings).commonName]),
    certificates: wantedCertificates(nodes, settings).map(({ name, authority, request }) => {
      const { profile, commonName, dnsNames = [], ipAddresses = [] } = request;
      const names = [...dnsNames, ...ipAddresses].map((text) => `${isIP(text) ? 'IP' : 'DNS'}:${text}`);
      const usages = profile === 'client' ? 'clientAuth' : 'serverAuth, clientAuth';
      return [name, authority, commonName, usages, ...(names.length === 0 ? [] : [names.join(', ')])];
    }),
  });
}
