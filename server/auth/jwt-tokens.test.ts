import { createHmac, createPrivateKey, createPublicKey, createSecretKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as jose from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import { JwtTokens, jwtMethods } from './jwt-tokens.ts';
import { tokenProvider } from './token-options.ts';
import { SimpleTokens } from './tokens.ts';

const nowMs = 1_700_000_000_000;

/** A key pair for a method; of HMAC both are the secret. */
function keysFor(method: string) {
  if (method.startsWith('HS')) {
    const secret = createSecretKey(Buffer.alloc(64, 7));
    return { signing: secret, checking: secret };
  }
  const curves: Record<string, string> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };
  const { privateKey, publicKey } = method.startsWith('ES')
    ? generateKeyPairSync('ec', { namedCurve: curves[method] as string })
    : method === 'EdDSA'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { signing: privateKey, checking: publicKey };
}

describe.each(jwtMethods)('tokens signed by %s', (method) => {
  const keys = keysFor(method);
  const tokens = new JwtTokens(method, keys, 60_000, () => nowMs);

  test('name user and revision until their time is over', () => {
    const token = tokens.assign('alice', 5);
    expect(tokens.find(token)).toEqual({ username: 'alice', revision: 5 });
    const at = (ms: number) => new JwtTokens(method, keys, 60_000, () => nowMs + ms).find(token);
    expect(at(59_999)).toEqual({ username: 'alice', revision: 5 });
    expect(at(60_000)).toBeUndefined();
  });

  test('are those of another implementation', async () => {
    const options = { currentDate: new Date(nowMs), algorithms: [method] };
    const { payload, protectedHeader } = await jose.jwtVerify(tokens.assign('alice', 5), keys.checking, options);
    expect(payload).toEqual({ username: 'alice', revision: 5, exp: nowMs / 1000 + 60 });
    expect(protectedHeader).toEqual({ alg: method, typ: 'JWT' });
    const theirs = new jose.SignJWT({ username: 'bob', revision: 2 }).setProtectedHeader({ alg: method });
    const signed = await theirs.setExpirationTime(nowMs / 1000 + 5).sign(keys.signing);
    expect(tokens.find(signed)).toEqual({ username: 'bob', revision: 2 });
  });

  test('are refused when anything of them was changed', () => {
    const token = tokens.assign('alice', 5);
    const [header, claims, signature] = token.split('.') as [string, string, string];
    const other = Buffer.from(JSON.stringify({ username: 'root', revision: 5, exp: nowMs })).toString('base64url');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const changed = Buffer.from(signature, 'base64url');
    changed[5] = (changed[5] as number) ^ 1;
    const forged = [
      ...[`${header}.${other}.${signature}`, `${none}.${claims}.`, `${none}.${claims}.${signature}`],
      ...[`${header}.${claims}.${changed.toString('base64url')}`, `${header}.${claims}.`, `${header}.${claims}`],
      ...[`${token}.x`, '', '..', 'x.y.z', token.slice(0, -4), `${header}.${'x'.repeat(20_000)}.${signature}`],
    ];
    expect(forged.map((each) => tokens.find(each))).toEqual(forged.map(() => undefined));
    const stranger = new JwtTokens(method, method.startsWith('HS') ? secretKeys('another') : keysFor(method), 60_000);
    expect(stranger.find(token)).toBeUndefined();
  });
});

function secretKeys(text: string) {
  const secret = createSecretKey(Buffer.from(text));
  return { signing: secret, checking: secret };
}

describe('a JSON web token', () => {
  const keys = secretKeys('a secret');
  const tokens = new JwtTokens('HS256', keys, 60_000, () => nowMs);

  function withClaims(claims: unknown, alg = 'HS256'): string {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const content = `${part({ alg })}.${part(claims)}`;
    return `${content}.${createHmac('sha256', 'a secret').update(content).digest('base64url')}`;
  }

  test.each([
    ...[null, 'text', [], {}, { username: 'u' }, { revision: 1 }, { username: 1, revision: 1 }],
    ...[
      { username: 'u', revision: '1' },
      { username: 'u', revision: 1.5 },
      { username: 'u', revision: -1 },
    ],
    ...[
      { username: 'u', revision: 1, exp: 'never' },
      { username: 'u', revision: 1, exp: 1 },
    ],
    ...[
      { username: 'u', revision: 1, nbf: nowMs },
      { username: 'u', revision: 1, iat: nowMs },
    ],
  ])('with such claims is none: %j', (claims) => {
    expect(tokens.find(withClaims(claims))).toBeUndefined();
  });

  test('names the method that it is signed by', () => {
    const claims = { username: 'u', revision: 1 };
    for (const alg of ['HS512', 'none', '']) expect(tokens.find(withClaims(claims, alg))).toBeUndefined();
  });

  test('may do without an expiry, if whoever has the key says so', () => {
    expect(tokens.find(withClaims({ username: 'u', revision: 1 }))).toEqual({ username: 'u', revision: 1 });
  });

  test('signed by HMAC with the text of a public key is none: the method is the server’s choice', () => {
    const rsa = keysFor('RS256');
    const pem = rsa.checking.export({ type: 'spki', format: 'pem' });
    const confused = new JwtTokens('HS256', secretKeys(String(pem)), 60_000).assign('root', 1);
    expect(new JwtTokens('RS256', rsa, 60_000).find(confused)).toBeUndefined();
  });

  test('cannot be made with a public key, only checked', () => {
    const { signing, checking } = keysFor('ES256');
    const checker = new JwtTokens('ES256', { signing: undefined, checking }, 60_000);
    expect(() => checker.assign('u', 1)).toThrow('token signing attempted with verify-only key');
    const token = new JwtTokens('ES256', { signing, checking }, 60_000).assign('u', 1);
    expect(checker.find(token)).toEqual({ username: 'u', revision: 1 });
  });
});

describe('--auth-token', () => {
  let folder: string;
  const file = (name: string) => path.join(folder, name);
  const make = (text: string) => tokenProvider(text, 1000, silentLogger);

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'etcdlab-jwt-'));
    for (const method of ['RS256', 'ES256', 'EdDSA']) {
      const { signing, checking } = keysFor(method);
      writeFileSync(file(`${method}.key`), signing.export({ type: 'pkcs8', format: 'pem' }));
      writeFileSync(file(`${method}.pub`), checking.export({ type: 'spki', format: 'pem' }));
    }
    writeFileSync(file('secret'), 'secret');
    writeFileSync(file('empty'), '');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('makes what it names', () => {
    expect(make('simple')).toBeInstanceOf(SimpleTokens);
    expect(make('').find('x', 1)).toBeUndefined();
    for (const options of [
      ...[`sign-method=RS256,priv-key=${file('RS256.key')}`, `sign-method=PS512,pub-key=${file('RS256.pub')}`],
      ...[`sign-method=ES256,priv-key=${file('ES256.key')},pub-key=${file('ES256.pub')},ttl=1h2m`],
      ...[`sign-method=EdDSA,priv-key=${file('EdDSA.key')}`, `sign-method=HS384,priv-key=${file('secret')}`],
      `sign-method=HS384,priv-key=${file('secret')},unknown=option`,
    ]) {
      expect(make(`jwt,${options}`)).toBeInstanceOf(JwtTokens);
    }
  });

  test('gives tokens the time to live that it names', () => {
    const key = createPrivateKey(
      Buffer.from(String(keysFor('EdDSA').signing.export({ type: 'pkcs8', format: 'pem' }))),
    );
    writeFileSync(file('own.key'), key.export({ type: 'pkcs8', format: 'pem' }));
    const [, claims] = make(`jwt,sign-method=EdDSA,priv-key=${file('own.key')},ttl=100h`)
      .assign('u', 1, '', 0)
      .split('.');
    const { exp } = JSON.parse(Buffer.from(claims as string, 'base64url').toString()) as { exp: number };
    expect(exp - Date.now() / 1000).toBeGreaterThan(99 * 3600);
    expect(createPublicKey(key).asymmetricKeyType).toBe('ed25519');
  });

  test.each([
    ['bogus', 'neither "simple" nor "jwt"'],
    ['jwt', 'sign-method'],
    ['jwt,sign-method=RS255,priv-key=x', 'sign-method'],
    ['jwt,sign-method=none,priv-key=x', 'sign-method'],
    ['jwt,sign-method', 'name=value'],
    ['jwt,sign-method=a=b', 'name=value'],
    ['jwt,ttl=1m,ttl=2m', 'twice'],
    ['jwt,sign-method=RS256', 'priv-key'],
    ['jwt,sign-method=HS256', 'priv-key'],
    ['jwt,sign-method=HS256,priv-key=DIR/empty', 'is empty'],
    ['jwt,sign-method=RS256,priv-key=DIR/absent', 'cannot read'],
    ['jwt,sign-method=RS256,priv-key=DIR/secret', 'holds no key'],
    ['jwt,sign-method=RS256,priv-key=DIR/RS256.pub', 'holds no key'],
    ['jwt,sign-method=RS256,priv-key=DIR/ES256.key', 'cannot use'],
    ['jwt,sign-method=ES384,priv-key=DIR/ES256.key', 'cannot use'],
    ['jwt,sign-method=EdDSA,pub-key=DIR/RS256.pub', 'cannot use'],
    ['jwt,sign-method=RS256,priv-key=DIR/RS256.key,pub-key=DIR/ES256.pub', 'is not the public key'],
    ['jwt,sign-method=HS256,priv-key=DIR/secret,ttl=soon', 'not a duration'],
  ])('is refused with the reason: %s', (text, reason) => {
    expect(() => make(text.replaceAll('DIR', folder))).toThrow('auth: invalid auth options');
    expect(() => make(text.replaceAll('DIR', folder))).toThrow(reason);
  });
});
