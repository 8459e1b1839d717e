/** Whether a certificate is revoked, by a list that may be replaced while the server runs (contract: api.md §7). */
import { readFileSync } from 'node:fs';
import type { Logger } from '../base/logger.ts';
import { normalizeSerial, revokedSerials } from './crl.ts';
import { fileStamp } from './tls-files.ts';

/**
 * @param file DER or PEM; looked at before each check, read again when it has changed. One that cannot be read any more
 *   leaves what was read before in force.
 * @returns takes a serial number as `X509Certificate.serialNumber` gives it
 * @throws Error when the file cannot be read now: a member must not start without the list that it was given
 */
export function revocationCheck(file: string, logger: Logger): (serialNumber: string) => boolean {
  let stamp = fileStamp(file);
  let revoked = revokedSerials(readFileSync(file));
  return (serialNumber) => {
    const now = fileStamp(file);
    if (now !== stamp) {
      stamp = now;
      try {
        revoked = revokedSerials(readFileSync(file));
      } catch (error) {
        logger.error('cannot use the replaced revocation list; keeping the one read before', {
          'crl-file': file,
          error,
        });
      }
    }
    return revoked.has(normalizeSerial(serialNumber));
  };
}
