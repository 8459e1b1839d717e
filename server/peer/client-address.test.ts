import { X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkClientAddress, type NameService, plainAddress } from './client-address.ts';
import { TestCa } from './testing/certificates.ts';

let ca: TestCa;
beforeAll(() => {
  ca = new TestCa();
});
afterAll(() => ca.remove());

const certificate = (name: string, san: string) => new X509Certificate(fs.readFileSync(ca.issue(name, san).certFile));

/** 10.0.0.1 is one.example by reverse look-up; two.example is 10.0.0.2 by forward look-up; nothing else is known. */
const names: NameService = {
  addressesOf: async (name) => {
    if (name === 'two.example') return ['10.0.0.2'];
    throw new Error('ENOTFOUND');
  },
  namesOf: async (address) => {
    if (address === '10.0.0.1') return ['one.example.'];
    throw new Error('ENOTFOUND');
  },
};

describe('the address of a dialer', () => {
  test.each([
    ['', '10.0.0.9', true],
    ['IP:10.0.0.1,IP:10.0.0.2', '10.0.0.2', true],
    ['IP:10.0.0.1', '::ffff:10.0.0.1', true],
    ['IP:10.0.0.1', '10.0.0.2', false],
    ['IP:fd00::1', 'fd00::1', true],
    ['DNS:one.example', '10.0.0.1', true],
    ['DNS:*.example', '10.0.0.1', true],
    ['DNS:*.one.example', '10.0.0.1', false],
    ['DNS:two.example', '10.0.0.2', true],
    ['DNS:two.example', '10.0.0.3', false],
    ['DNS:unknown.example', '10.0.0.9', false],
    ['IP:10.9.9.9,DNS:two.example', '10.0.0.2', true],
    ['IP:10.9.9.9,DNS:two.example', '10.0.0.3', false],
  ])('with the SANs "%s" from %s: %s', async (san, address, accepted) => {
    const reason = await checkClientAddress(certificate('leaf', san), address, names);
    if (accepted) expect(reason).toBeUndefined();
    else expect(reason).toContain(plainAddress(address));
  });
});
