import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inspect } from './mod.ts';
import { assertDnsName, ipOctets, ipText } from './names.ts';
import { authority, leaf } from './testing/fixtures.ts';

const ca = authority();

describe('an IP address', () => {
  it('is the same after text, octets and text again', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        const octets = ipOctets(address);
        expect(octets).toHaveLength(address.includes(':') ? 16 : 4);
        expect(ipOctets(ipText(octets))).toEqual(octets);
      }),
    );
  });

  it('keeps its octets whatever their text looks like', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (octets) => {
        expect(new Uint8Array(ipOctets(ipText(octets)))).toEqual(octets);
      }),
    );
  });

  it.each([
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['1::', '00010000000000000000000000000000'],
    ['fe80::1:2', 'fe800000000000000000000000010002'],
    ['::ffff:10.1.2.3', '00000000000000000000ffff0a010203'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['192.168.56.10', 'c0a8380a'],
  ])('%s is %s', (address, hex) => {
    expect(ipOctets(address).toString('hex')).toBe(hex);
  });

  it.each(['', 'node1', '1.2.3', '1.2.3.4/24', '01.2.3.4', '[::1]', 'fe80::1%eth0', '1:2'])('is not %j', (text) => {
    expect(() => ipOctets(text)).toThrow(/is not an IP address/);
  });
});

describe('a DNS name', () => {
  it.each(['localhost', 'node1', 'a.b-c.example', '*.example.org', 'under_score', 'x'.repeat(63)])(
    'may be %s',
    (name) => {
      expect(() => assertDnsName(name)).not.toThrow();
    },
  );

  it.each([
    ['', /bad label ''/],
    ['.', /bad label/],
    ['a..b', /bad label ''/],
    ['a b', /bad label 'a b'/],
    ['-a', /bad label/],
    ['a-', /bad label/],
    ['*', /bad label/],
    ['*.com', /bad label/],
    ['a.*.com', /bad label/],
    ['bücher.example', /bad label/],
    ['x'.repeat(64), /bad label/],
    [Array(128).fill('ab').join('.'), /longer than 253/],
    ['10.0.0.1', /is an IP address/],
    ['::1', /is an IP address/],
  ])('may not be %j', (name, reason) => {
    expect(() => assertDnsName(name)).toThrow(reason);
  });
});

describe('alternative names', () => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/);
  const dnsName = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => `n${labels.join('.')}`);

  it('are read back as they were asked for, and found by the TLS library', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(dnsName, { minLength: 1, maxLength: 4 }),
        fc.uniqueArray(
          fc.oneof(fc.ipV4(), fc.ipV6()).map((ip) => ipText(ipOctets(ip))),
          { maxLength: 4 },
        ),
        (dnsNames, ipAddresses) => {
          const { certificate } = leaf(ca, { dnsNames, ipAddresses });
          const x509 = new X509Certificate(certificate);
          expect(inspect(certificate)).toMatchObject({ dnsNames, ipAddresses });
          for (const name of dnsNames) expect(x509.checkHost(name)).toBeDefined();
          for (const address of ipAddresses) expect(x509.checkIP(address)).toBeDefined();
        },
      ),
      { numRuns: 50 },
    );
  });

  it('are listed once, however often and in whatever spelling they are given', () => {
    const { certificate } = leaf(ca, { dnsNames: ['a', 'a'], ipAddresses: ['::1', '0:0::1', '127.0.0.1'] });
    expect(inspect(certificate)).toMatchObject({ dnsNames: ['a'], ipAddresses: ['::1', '127.0.0.1'] });
  });
});
