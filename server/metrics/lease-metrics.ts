/** What is counted of leases (contract: api.md §6, etcd_debugging_*). */
import type { Registry } from 'prom-client';
import type { LeaseObserver } from '../member/config.ts';
import { doublingBuckets, histogram, register } from './families.ts';

export function leaseMetrics(registry: Registry): Required<LeaseObserver> {
  const counter = (name: string, help: string): (() => void) => {
    let value = 0;
    register(registry, name, 'counter', help, () => [{ value }]);
    return () => {
      value++;
    };
  };
  const granted = counter('etcd_debugging_lease_granted_total', 'The total number of granted leases.');
  const ttlHelp = 'Bucketed histogram of lease TTLs.';
  const ttls = histogram(registry, 'etcd_debugging_lease_ttl_total', ttlHelp, doublingBuckets(1, 24));
  return {
    granted: (ttlSeconds) => {
      granted();
      ttls.observe(ttlSeconds);
    },
    revoked: counter('etcd_debugging_lease_revoked_total', 'The total number of revoked leases.'),
    renewed: counter('etcd_debugging_lease_renewed_total', 'The number of renewed leases seen by the leader.'),
    expired: counter('etcd_debugging_server_lease_expired_total', 'The total number of expired leases.'),
  };
}
