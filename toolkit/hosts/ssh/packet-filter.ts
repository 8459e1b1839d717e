/** nftables rules that cut a host off from others. They are gone after a reboot, and so is the cut. */
import { isIPv4 } from 'node:net';

/** A table of our own: what the machine's own firewall says stays as it is. */
export const tableName = 'etcdlab_cut';

/**
 * @param addresses IPv4, at least one
 * @returns a script for `nft -f`, carried out as a whole or not at all; replaces an earlier cut
 * @throws RangeError for anything else: it would become part of the rules
 */
export function cutRules(addresses: readonly string[]): string {
  const strange = addresses.find((address) => !isIPv4(address));
  if (strange !== undefined || addresses.length === 0) throw new RangeError(`not an IPv4 address: ${strange}`);
  const set = [...new Set(addresses)].sort().join(', ');
  // Before connection tracking and every firewall, so that nothing lets an established connection through.
  return `table inet ${tableName} {}
delete table inet ${tableName}
table inet ${tableName} {
  chain input {
    type filter hook input priority -400; policy accept;
    ip saddr { ${set} } drop
  }
  chain output {
    type filter hook output priority -400; policy accept;
    ip daddr { ${set} } drop
  }
}
`;
}

/** @param text what `nft list table` says @returns the addresses that are cut off, sorted */
export function parseCutRules(text: string): string[] {
  const addresses = [...text.matchAll(/ip saddr (?:\{([^}]*)\}|(\S+)) drop/g)].flatMap(([, set, one]) =>
    (set ?? one ?? '').split(',').map((address) => address.trim()),
  );
  // nft joins neighbouring addresses to a range only in sets with intervals, which these are not.
  return [...new Set(addresses)].sort();
}
