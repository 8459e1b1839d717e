/** SETTINGS (RFC 9113 §6.5). */

import { readUint32 } from './frame-reader.ts';
import { ConnectionError, ErrorCode, maxWindowBytes, Setting } from './protocol.ts';

const entryBytes = 6;

/** The payload of a SETTINGS frame. */
export function encodeSettings(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(settings.length * entryBytes);
  for (const [index, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, index * entryBytes);
    payload.writeUInt32BE(value, index * entryBytes + 2);
  }
  return payload;
}

/**
 * Reads a SETTINGS frame, unknown settings included.
 *
 * @throws ConnectionError for a wrong size or value
 */
export function decodeSettings(payload: Uint8Array): [id: number, value: number][] {
  if (payload.length % entryBytes !== 0) {
    throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, `SETTINGS of ${payload.length} bytes`);
  }
  const settings: [number, number][] = [];
  for (let at = 0; at < payload.length; at += entryBytes) {
    const id = ((payload[at] as number) << 8) | (payload[at + 1] as number);
    const value = readUint32(payload, at + 2);
    checkSetting(id, value);
    settings.push([id, value]);
  }
  return settings;
}

function checkSetting(id: number, value: number): void {
  if (id === Setting.ENABLE_PUSH && value > 1) {
    throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `ENABLE_PUSH is ${value}`);
  }
  if (id === Setting.INITIAL_WINDOW_SIZE && value > maxWindowBytes) {
    throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, `INITIAL_WINDOW_SIZE is ${value}`);
  }
  if (id === Setting.MAX_FRAME_SIZE && (value < 16_384 || value > 0xffffff)) {
    throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `MAX_FRAME_SIZE is ${value}`);
  }
}
