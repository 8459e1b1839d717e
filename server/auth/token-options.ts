/** `--auth-token`: which tokens, with which keys (contract: api.md §2.7). */
import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseGoDuration } from '../base/go-duration.ts';
import type { Logger } from '../base/logger.ts';
import { type JwtKeys, JwtTokens, jwtMethods } from './jwt-tokens.ts';
import { NoTokens, SimpleTokens, type TokenProvider } from './tokens.ts';

const defaultJwtTtlMs = 5 * 60_000;
const jwtOptions = ['pub-key', 'priv-key', 'sign-method', 'ttl'];

/** Upstream's words for whatever is wrong with the flag; scripts look for them. */
const invalid = 'auth: invalid auth options';

/**
 * Makes the provider of tokens that the flag asks for.
 *
 * @param text such as `simple`, `jwt,sign-method=RS256,priv-key=FILE,ttl=10m`, or nothing for no tokens
 * @param simpleTtlMs how long a simple token lives unused; five minutes for 0 and less
 * @throws Error when an option is wrong, or a key cannot be read or does not fit the method
 */
export function tokenProvider(text: string, simpleTtlMs: number, log: Logger): TokenProvider {
  const [kind, ...pairs] = text.split(',');
  const options = optionsOf(pairs);
  switch (kind) {
    case 'simple':
      log.warn('simple token is not cryptographically signed');
      return new SimpleTokens(simpleTtlMs);
    case 'jwt':
      return jwtTokens(options, log);
    case '':
      return new NoTokens();
    default:
      throw new Error(`${invalid}: --auth-token=${kind} is neither "simple" nor "jwt"`);
  }
}

function optionsOf(pairs: readonly string[]): Map<string, string> {
  const options = new Map<string, string>();
  for (const pair of pairs) {
    const [name, value, ...rest] = pair.split('=');
    if (name === undefined || value === undefined || rest.length > 0) {
      throw new Error(`${invalid}: "${pair}" in --auth-token is not of the form name=value`);
    }
    if (options.has(name)) throw new Error(`${invalid}: --auth-token names ${name} twice`);
    options.set(name, value);
  }
  return options;
}

function jwtTokens(options: Map<string, string>, log: Logger): TokenProvider {
  for (const option of options.keys()) {
    if (!jwtOptions.includes(option)) log.warn('unknown JWT options', { option });
  }
  const method = options.get('sign-method') ?? '';
  if (!(jwtMethods as readonly string[]).includes(method)) {
    throw new Error(`${invalid}: --auth-token needs sign-method to be one of ${jwtMethods.join(', ')}`);
  }
  const keys = method.startsWith('HS') ? secretOf(options) : keyPairOf(method, options);
  return new JwtTokens(method, keys, ttlOf(options));
}

function ttlOf(options: Map<string, string>): number {
  const text = options.get('ttl');
  if (text === undefined) return defaultJwtTtlMs;
  try {
    return parseGoDuration(text);
  } catch (cause) {
    throw new Error(`${invalid}: ttl=${text} in --auth-token is not a duration such as 10m`, { cause });
  }
}

function secretOf(options: Map<string, string>): JwtKeys {
  const file = options.get('priv-key');
  if (file === undefined) throw new Error(`${invalid}: an HS method of --auth-token needs priv-key`);
  const secret = readKeyFile(file);
  if (secret.length === 0) throw new Error(`${invalid}: ${file} is empty`);
  const key = createSecretKey(secret);
  return { signing: key, checking: key };
}

function keyPairOf(method: string, options: Map<string, string>): JwtKeys {
  const [privateFile, publicFile] = [options.get('priv-key'), options.get('pub-key')];
  const signing = privateFile === undefined ? undefined : parseKey(privateFile, createPrivateKey);
  const given = publicFile === undefined ? undefined : parseKey(publicFile, createPublicKey);
  const derived = signing === undefined ? undefined : createPublicKey(signing);
  const checking = given ?? derived;
  if (checking === undefined)
    throw new Error(`${invalid}: --auth-token needs priv-key, or pub-key to only check tokens`);
  if (given !== undefined && derived !== undefined && !derOf(given).equals(derOf(derived))) {
    throw new Error(`${invalid}: ${publicFile} is not the public key of ${privateFile}`);
  }
  if (!fits(method, checking)) {
    const file = privateFile ?? publicFile;
    throw new Error(
      `${invalid}: ${file} holds a key of type ${checking.asymmetricKeyType}, which ${method} cannot use`,
    );
  }
  return { signing, checking };
}

function derOf(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}

const curves: Record<string, string> = { ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1' };

function fits(method: string, { asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  if (method === 'EdDSA') return asymmetricKeyType === 'ed25519';
  if (method.startsWith('ES')) {
    return asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === curves[method];
  }
  return asymmetricKeyType === 'rsa';
}

function parseKey(file: string, parse: (pem: Buffer) => KeyObject): KeyObject {
  const pem = readKeyFile(file);
  try {
    return parse(pem);
  } catch (cause) {
    throw new Error(`${invalid}: ${file} holds no key in PEM that can be used: ${(cause as Error).message}`, { cause });
  }
}

function readKeyFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new Error(`${invalid}: cannot read the key in --auth-token: ${(cause as Error).message}`, { cause });
  }
}
