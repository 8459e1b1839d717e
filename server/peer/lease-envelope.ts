/** The bodies of /leases/internal: a LeaseTimeToLive message as field 1 of a message around it (disk-and-peer §8). */
import {
  decodeLeaseTimeToLiveRequest,
  decodeLeaseTimeToLiveResponse,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
  ResponseHeader,
  writeLeaseTimeToLiveRequest,
  writeLeaseTimeToLiveResponse,
} from '../proto/gen/rpc.ts';
import { encodeWith, Reader, type Writer } from '../proto/wire.ts';

const fieldOne = (1 << 3) | 2;

export function encodeLeaseRequest(request: LeaseTimeToLiveRequest): Uint8Array {
  return envelope((writer) => writeLeaseTimeToLiveRequest(writer, request));
}

/** @throws WireError */
export function decodeLeaseRequest(bytes: Uint8Array): LeaseTimeToLiveRequest {
  return open(bytes, decodeLeaseTimeToLiveRequest) ?? LeaseTimeToLiveRequest.create();
}

/** Upstream always puts a header in, and leaves it empty. */
export function encodeLeaseResponse(response: LeaseTimeToLiveResponse): Uint8Array {
  return envelope((writer) => writeLeaseTimeToLiveResponse(writer, { ...response, header: ResponseHeader.create() }));
}

/** @throws WireError */
export function decodeLeaseResponse(bytes: Uint8Array): LeaseTimeToLiveResponse {
  return open(bytes, decodeLeaseTimeToLiveResponse) ?? LeaseTimeToLiveResponse.create();
}

function envelope(write: (writer: Writer) => void): Uint8Array {
  return encodeWith((writer) => {
    writer.uint32(fieldOne);
    const start = writer.open();
    write(writer);
    writer.close(start);
  });
}

function open<T>(bytes: Uint8Array, decode: (reader: Reader) => T): T | undefined {
  const reader = new Reader(bytes);
  let content: T | undefined;
  while (reader.pos < reader.end) {
    const tag = reader.uint32();
    if (tag === fieldOne) content = reader.message(decode);
    else reader.skip(tag);
  }
  return content;
}
