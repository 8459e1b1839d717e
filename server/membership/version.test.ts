import { describe, expect, test } from 'vitest';
import { clusterVersionOf, compareMinor, decideClusterVersion, parseVersion, type Version } from './version.ts';

describe('versions', () => {
  test('are strict', () => {
    expect(parseVersion('3.8.0-alpha.0')).toEqual({ major: 3, minor: 8, patch: 0, preRelease: 'alpha.0' });
    for (const text of ['', '3', '3.5', 'v3.5.0', '3.5.0.1', '3.5.x', 'not_decided']) {
      expect(parseVersion(text)).toBeUndefined();
    }
  });

  test('are compared by major and minor', () => {
    const compare = (a: string, b: string) =>
      Math.sign(compareMinor(parseVersion(a) as Version, parseVersion(b) as Version));
    expect([compare('3.5.30', '3.5.0'), compare('3.10.0', '3.9.9'), compare('2.9.0', '3.0.0')]).toEqual([0, 1, -1]);
    expect(clusterVersionOf(parseVersion('3.5.30') as Version)).toBe('3.5.0');
  });
});

describe('the cluster version', () => {
  test('is that of the oldest server', () => {
    expect(decideClusterVersion(['3.6.1', '3.5.30', '3.7.0'])).toBe('3.5.0');
  });

  test('is not decided while a server is unknown', () => {
    expect(decideClusterVersion(['3.6.1', undefined])).toBeUndefined();
    expect(decideClusterVersion(['3.6.1', 'nonsense'])).toBeUndefined();
    expect(decideClusterVersion([])).toBeUndefined();
  });
});
