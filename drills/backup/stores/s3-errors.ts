/** What an S3 service, or the way to it, says when it does not do what is asked. */
import { LabError, messageOf } from '../../../toolkit/errors.ts';
import { isFull, TransientError, unreachable } from './store-error.ts';

const accessDenied = [
  'AccessDenied',
  'Forbidden',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'TokenRefreshRequired',
];
const noCredentials = /CredentialsProviderError|TokenProviderError/;
const untrusted = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME|TLS/;
const network = /^(E[A-Z]+|TimeoutError|AbortError|UND_ERR_\w+)$/;

interface ServiceError {
  readonly name?: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** @returns the error in the codes of `ObjectStore`; a TransientError where another try may succeed */
export function explainS3(error: unknown, location: string): unknown {
  if (error instanceof LabError || error instanceof TransientError) return error;
  const { name = '', code = '', $metadata } = (error ?? {}) as ServiceError;
  const status = $metadata?.httpStatusCode;
  if (noCredentials.test(name)) {
    return new LabError('LAB_STORE_ACCESS', `there are no credentials for ${location}`, {
      advice:
        'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile of ~/.aws in lab.yaml (backups.s3.profile)',
      cause: error,
    });
  }
  // After that one the SDK goes by the server's clock.
  const isSkewed = name === 'RequestTimeTooSkewed';
  if (!isSkewed && (accessDenied.includes(name) || status === 401 || status === 403)) {
    return new LabError('LAB_STORE_ACCESS', `${location} does not allow it: ${name}: ${messageOf(error)}`, {
      advice: 'check the credentials (AWS_ACCESS_KEY_ID, or the profile), and what they may do in the bucket',
      cause: error,
    });
  }
  if (name === 'NoSuchBucket') {
    return new LabError('LAB_STORE_MISSING', `${location}: there is no such bucket`, {
      advice: 'make the bucket, or correct backups.store in lab.yaml',
      cause: error,
    });
  }
  if (status === 507 || /QuotaExceeded|StorageFull|NoSpace|XMinioStorageFull/i.test(name))
    return isFull(location, error);
  if (untrusted.test(code)) {
    return unreachable(location, error, 'name the authority of its certificate in lab.yaml: backups.s3.caFile');
  }
  if (network.test(code) || network.test(name)) return new TransientError(unreachable(location, error));
  if (/^Region\b/.test(messageOf(error))) {
    return new LabError('LAB_STORE', `nobody says which region ${location} is in`, {
      advice: 'set AWS_REGION, or name it in lab.yaml: backups.s3.region',
      cause: error,
    });
  }
  const failed = new LabError('LAB_STORE', `${location} failed: ${name}: ${messageOf(error)}`, { cause: error });
  const isPassing = isSkewed || status === 429 || (status !== undefined && status >= 500);
  return isPassing ? new TransientError(failed) : failed;
}
