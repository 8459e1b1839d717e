/** What surrounds the content of DATA and HEADERS frames: padding and priority (RFC 9113 §6.1, §6.2). */
import { readUint32 } from './frame-reader.ts';
import { ConnectionError, ErrorCode, Flag } from './protocol.ts';

const priorityBytes = 5;

/** @throws ConnectionError PROTOCOL_ERROR when the padding is longer than its frame */
export function withoutPadding(payload: Uint8Array, flags: number): Uint8Array {
  if ((flags & Flag.PADDED) === 0) return payload;
  const padBytes = payload[0] ?? payload.length;
  if (padBytes + 1 > payload.length) {
    throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'the padding is longer than its frame');
  }
  return payload.subarray(1, payload.length - padBytes);
}

/**
 * The fragment of a header block in a HEADERS frame.
 *
 * @throws ConnectionError when the frame is too short for what its flags say, or its stream depends on itself
 */
export function headerFragment(payload: Uint8Array, flags: number, streamId: number): Uint8Array {
  const content = withoutPadding(payload, flags);
  if ((flags & Flag.PRIORITY) === 0) return content;
  if (content.length < priorityBytes) {
    throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'a HEADERS frame that ends within its priority');
  }
  checkDependency(content, streamId);
  return content.subarray(priorityBytes);
}

/**
 * Priorities are not followed, RFC 9113 §5.3 has deprecated them; but their one rule is kept.
 *
 * @throws ConnectionError PROTOCOL_ERROR when a stream depends on itself (RFC 7540 §5.3.1)
 */
export function checkDependency(priority: Uint8Array, streamId: number): void {
  if ((readUint32(priority, 0) & 0x7fffffff) !== streamId) return;
  throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `stream ${streamId} depends on itself`);
}

/** @throws ConnectionError FRAME_SIZE_ERROR, naming `what`, when the payload has another size */
export function expectSize(what: string, payload: Uint8Array, bytes: number): void {
  if (payload.length === bytes) return;
  throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, `${what} of ${payload.length} bytes`);
}
