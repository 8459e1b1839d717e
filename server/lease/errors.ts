import { Code, EtcdError } from '../errors/etcd-error.ts';

/** This member does not lead, so it knows no expiries: whoever asked is to ask the leader. */
export class NotPrimaryError extends EtcdError {
  constructor() {
    super(Code.Unavailable, 'etcdserver: not a primary lessor');
  }
}
