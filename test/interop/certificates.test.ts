/** Certificates for life on upstream's etcd, on both sides of its ports. */
import { describe } from 'vitest';
import { specifyCertificates } from '../support/certificates-spec.ts';
import { haveUpstream } from '../support/upstream.ts';

describe.skipIf(!haveUpstream())('the certificates of a lab on upstream’s etcd', () => {
  specifyCertificates(() => ({ upstream: process.env.ETCDLAB_UPSTREAM }));
});
