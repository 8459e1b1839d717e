/** Member, cluster and request ids: unsigned 64-bit numbers, kept as bigints (contract: disk-and-peer §6). */
import { createHash } from 'node:crypto';

const mask40 = (1n << 40n) - 1n;
const mask48 = (1n << 48n) - 1n;
const mask63 = (1n << 63n) - 1n;
const maxId = (1n << 64n) - 1n;

/** The first eight bytes, big endian, of SHA-1 over `chunks`: how etcd makes an id from anything. */
function sha1Id(chunks: Iterable<string | Uint8Array>): bigint {
  const hash = createHash('sha1');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest().readBigUInt64BE(0);
}

/**
 * The id of a member: a function of its peer URLs, so that all members of a new cluster agree without talking.
 *
 * @param peerURLs in any order
 * @param token the initial cluster token (`--initial-cluster-token`)
 * @param unixSeconds only for a member that is added at run time, so that adding the same URLs again gives a new id
 */
export function memberId(peerURLs: readonly string[], token: string, unixSeconds?: number): bigint {
  const time = unixSeconds === undefined ? '' : String(unixSeconds);
  return sha1Id([...[...peerURLs].sort(compareBytes), token, time]);
}

/** The id of a cluster, made from the ids of its first members. @param memberIds in any order */
export function clusterId(memberIds: readonly bigint[]): bigint {
  return sha1Id(
    [...memberIds].sort(compareIds).map((id) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64BE(id);
      return bytes;
    }),
  );
}

/** An id as it stands in paths, headers, log lines and bucket keys: lower case, no leading zeros. */
export function idToHex(id: bigint): string {
  return id.toString(16);
}

/** The reverse of `idToHex`. @returns undefined when `text` is not an unsigned 64-bit hexadecimal number */
export function idFromHex(text: string): bigint | undefined {
  return /^[0-9a-fA-F]+$/.test(text) ? within64Bits(BigInt(`0x${text}`)) : undefined;
}

/** An id as it stands in JSON. @returns undefined when `text` is not an unsigned 64-bit decimal number */
export function idFromDecimal(text: string): bigint | undefined {
  return /^[0-9]{1,20}$/.test(text) ? within64Bits(BigInt(text)) : undefined;
}

function within64Bits(id: bigint): bigint | undefined {
  return id <= maxId ? id : undefined;
}

/** Orders ids ascending; everything in etcd that lists members lists them so. */
export function compareIds(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Orders strings as Go does, by their UTF-8 bytes; JavaScript's own order differs beyond the basic plane. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * Makes ids for requests, leases and read indexes that no other member and no later run of this member makes: 16 bits
 * of the member's id, 40 bits of the start time, 8 bits that count and carry into the time.
 */
export class RequestIdGenerator {
  private readonly prefix: bigint;
  private suffix: bigint;

  /** @param startedAtMs Unix time of the member's start, in milliseconds */
  constructor(member: bigint, startedAtMs: number) {
    this.prefix = (member & 0xffffn) << 48n;
    this.suffix = (BigInt(Math.floor(startedAtMs)) & mask40) << 8n;
  }

  next(): bigint {
    this.suffix = (this.suffix + 1n) & mask48;
    return this.prefix | this.suffix;
  }
}

/** A lease id from a request id: lease ids are signed on the wire, and chosen ones are positive. */
export function leaseIdFrom(requestId: bigint): bigint {
  return requestId & mask63;
}
