import { describe, expect, it } from 'vitest';
import { redact } from './support.ts';

describe('an archive for support', () => {
  it('has no private key in it, also not one that is cut off', () => {
    const key = '-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----';
    expect(redact(`a\n${key}\nb\n${key}`)).toBe('a\n[private key removed]\nb\n[private key removed]');
    expect(redact('-----BEGIN PRIVATE KEY-----\nMHcCAQ')).toBe('[private key removed]');
  });

  it('has no value that calls itself a secret, and keeps everything else', () => {
    expect(redact('{"password":"hunter2","name":"node1"}')).toBe('{"password":[removed],"name":"node1"}');
    expect(redact('auth-token: abc\nAuthorization=xyz')).toBe('auth-token: [removed]\nAuthorization=[removed]');
    expect(redact('initial-cluster-token: lab-1')).toBe('initial-cluster-token: lab-1');
  });
});
