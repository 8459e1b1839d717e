/** What of an answer both engines must give byte by byte, and what of it is each member's own. */
import {
  AuthenticateResponse,
  AuthService,
  ClusterService,
  LeaseLeasesResponse,
  LeaseService,
  LeaseTimeToLiveResponse,
  MemberListResponse,
} from '../../../server/proto/gen/rpc.ts';
import { Reader } from '../../../server/proto/wire.ts';

const headerTag = (1 << 3) | 2;
const revisionTag = 3 << 3;

type Canonical = (body: Buffer) => string;

const isGone = -1;
const ids = (list: readonly { ID: bigint }[]): string[] => list.map(({ ID }) => String(ID)).sort();

/** Answers that have more than bytes which must agree. */
const canonical: ReadonlyMap<string, Canonical> = new Map<string, Canonical>([
  // A token is drawn by chance.
  [AuthService.Authenticate.path, (body) => `token ${AuthenticateResponse.decode(body).token !== ''}`],
  // Keys and leases are listed in no order, and the time that is left passes.
  [LeaseService.LeaseLeases.path, (body) => ids(LeaseLeasesResponse.decode(body).leases).join()],
  [
    LeaseService.LeaseTimeToLive.path,
    (body) => {
      const { ID, TTL, grantedTTL, keys } = LeaseTimeToLiveResponse.decode(body);
      const names = keys.map((key) => Buffer.from(key).toString('latin1')).sort();
      return JSON.stringify([String(ID), TTL === isGone, grantedTTL, names]);
    },
  ],
  [ClusterService.MemberList.path, (body) => `${MemberListResponse.decode(body).members.length} members`],
]);

/**
 * An answer as it must be from either engine: its revision, and the rest of its bytes.
 *
 * @param path of the method
 */
export function comparableBytes(path: string, answer: Buffer): string {
  const { revision, body } = withoutHeader(answer);
  return `revision ${revision}: ${canonical.get(path)?.(body) ?? body.toString('hex')}`;
}

/** The header's ids and term are the member's own. @returns no revision when there is no header */
export function withoutHeader(answer: Buffer): { revision: number | undefined; body: Buffer } {
  const reader = new Reader(answer);
  if (answer.length === 0 || reader.uint32() !== headerTag) return { revision: undefined, body: answer };
  const end = reader.uint32() + reader.pos;
  let revision = 0;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === revisionTag) revision = reader.int64Number();
    else reader.skip(tag);
  }
  return { revision, body: answer.subarray(end) };
}
