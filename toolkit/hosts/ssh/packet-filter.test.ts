import { describe, expect, it } from 'vitest';
import { cutRules, parseCutRules } from './packet-filter.ts';

describe('the rules of a cut', () => {
  it('drop packets in both directions, each address once', () => {
    const rules = cutRules(['10.0.0.2', '10.0.0.1', '10.0.0.2']);
    expect(rules).toContain('ip saddr { 10.0.0.1, 10.0.0.2 } drop');
    expect(rules).toContain('ip daddr { 10.0.0.1, 10.0.0.2 } drop');
    expect(parseCutRules(rules)).toEqual(['10.0.0.1', '10.0.0.2']);
  });

  it('hold nothing but addresses', () => {
    for (const evil of ['10.0.0.1 } accept; #', 'example.com', '', '::1']) {
      expect(() => cutRules([evil])).toThrow(RangeError);
    }
    expect(() => cutRules([])).toThrow(RangeError);
  });

  it('are read also as nft prints them for one address, and for none', () => {
    expect(parseCutRules('ip saddr 10.0.0.9 drop')).toEqual(['10.0.0.9']);
    expect(parseCutRules('table inet other {}')).toEqual([]);
  });
});
