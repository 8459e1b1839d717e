/** Where backups are kept, as lab.yaml and `--store` say it. */
import { z } from 'zod';

/** `local`: the lab's own folder. Paths of a folder may be relative to the file that names them. */
export type StoreLocation =
  | { readonly kind: 'local' }
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string }
  | {
      readonly kind: 'sftp';
      readonly user: string;
      readonly host: string;
      readonly port: number;
      readonly path: string;
    };

const forms = 'use local, a folder (/… or ./…), s3://BUCKET/PREFIX or sftp://USER@HOST/FOLDER';
const bucketPattern = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const pathPattern = /^([A-Za-z0-9][A-Za-z0-9._-]{0,127}(\/(?!$))?){0,16}$/;
const hostPattern = /^([A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9a-f:.]+\])$/i;
const userPattern = /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/;

/** @returns what the text means, or what is wrong with it; the text itself is not repeated, since it may hold a secret */
export function parseStoreLocation(text: string): StoreLocation | string {
  if (text === 'local') return { kind: 'local' };
  if (/^(\/|~\/|\.{1,2}(\/|$))/.test(text)) return { kind: 'folder', path: text };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return forms;
  if (url.password !== '') return 'must not hold a secret: it would stand in files and process lists';
  if (url.search !== '' || url.hash !== '') return forms;
  if (url.protocol === 's3:') return s3Location(url);
  if (url.protocol === 'sftp:') return sftpLocation(url);
  return forms;
}

function s3Location({ host, username, pathname }: URL): StoreLocation | string {
  if (username !== '') return 'must not hold credentials: they come from the environment or ~/.aws';
  if (!bucketPattern.test(host)) return 'must name a bucket: s3://BUCKET/PREFIX';
  const prefix = pathname.replace(/^\/|\/$/g, '');
  if (!pathPattern.test(prefix))
    return 'a prefix consists of letters, digits, dots, hyphens and underscores, between slashes';
  return { kind: 's3', bucket: host, prefix };
}

/** @returns undefined for escapes that are none */
function decodedPath(pathname: string): string | undefined {
  try {
    return decodeURI(pathname);
  } catch {
    return undefined;
  }
}

function sftpLocation({ hostname, username, port, pathname }: URL): StoreLocation | string {
  if (!userPattern.test(username)) return 'must name a user: sftp://USER@HOST/FOLDER';
  if (!hostPattern.test(hostname)) return 'must name a host: sftp://USER@HOST/FOLDER';
  const path = decodedPath(pathname)?.replace(/\/+$/, '');
  if (path === undefined || !/^(\/[^/\0]+)+$/.test(path) || /\/\.{1,2}(\/|$)/.test(path))
    return 'must name a folder: sftp://USER@HOST/FOLDER';
  return { kind: 'sftp', user: username, host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 22), path };
}

const location = z.string().transform((text, context): StoreLocation => {
  const parsed = parseStoreLocation(text);
  if (typeof parsed !== 'string') return parsed;
  context.addIssue({ code: 'custom', message: parsed });
  return z.NEVER;
});

const s3 = z.strictObject({
  /** Of a service other than Amazon's. */
  endpoint: z
    .url({ protocol: /^https?$/, error: 'must be a URL: https://HOST:PORT' })
    .refine((text) => !URL.canParse(text) || new URL(text).username === '', 'must not hold credentials')
    .optional(),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, 'must be the name of a region')
    .optional(),
  /** The bucket in the path instead of in the host name. Default: with an endpoint of one's own. */
  pathStyle: z.boolean().optional(),
  /** PEM: the authority that the endpoint's certificate must come from. */
  caFile: z.string().min(1, 'must name a file').optional(),
  /** A section of ~/.aws/config and credentials. */
  profile: z
    .string()
    .regex(/^[\w.@+-]{1,64}$/, 'must be the name of a profile')
    .optional(),
});

const sftp = z.strictObject({
  /** A private key without passphrase; without it, the agent's keys. */
  identityFile: z.string().min(1, 'must name a file').optional(),
  /** As `ssh-keygen -lf` prints it. */
  hostKey: z
    .string()
    .regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'must be a fingerprint: SHA256: and 43 characters')
    .optional(),
});

/** The part `backups` of lab.yaml. */
export const backupsSchema = z.strictObject({
  store: location.optional(),
  s3: s3.optional(),
  sftp: sftp.optional(),
  /** An age public key; what leaves the lab's own folder is encrypted to it. */
  recipient: z
    .string()
    .regex(/^age1[a-z0-9]{58,}$/, 'must be an age public key: age1…')
    .optional(),
  /** A file with the secret key, for those who restore. */
  identityFile: z.string().min(1, 'must name a file').optional(),
});

export type BackupsConfig = z.output<typeof backupsSchema>;

/** @param absolute makes a path absolute, as the file means it that names it */
export function absoluteBackupPaths(config: BackupsConfig, absolute: (path: string) => string): BackupsConfig {
  const { store, s3, sftp, identityFile } = config;
  return {
    ...config,
    ...(store?.kind === 'folder' && { store: { ...store, path: absolute(store.path) } }),
    ...(s3?.caFile !== undefined && { s3: { ...s3, caFile: absolute(s3.caFile) } }),
    ...(sftp?.identityFile !== undefined && { sftp: { ...sftp, identityFile: absolute(sftp.identityFile) } }),
    ...(identityFile !== undefined && { identityFile: absolute(identityFile) }),
  };
}
