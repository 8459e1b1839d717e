/** gRPC's messages, out of the pieces that HTTP/2 carries them in. */

/** The five bytes before each message: not compressed, and its length. */
const prefixBytes = 5;

/** A message as it goes over the wire. */
export function framed(message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(prefixBytes + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, prefixBytes);
  return bytes;
}

export class MessageReader {
  private pieces: Uint8Array[] = [];
  private heldBytes = 0;
  /** What has to be there before there is something to do. */
  private wantedBytes = prefixBytes;

  /** @param onMessage is handed each message that is complete: a view, good until it returns */
  push(payload: Uint8Array, onMessage: (message: Buffer) => void): void {
    const bytes = this.join(payload);
    if (bytes === undefined) return;
    let at = 0;
    for (;;) {
      const left = bytes.length - at;
      this.wantedBytes = left < prefixBytes ? prefixBytes : prefixBytes + bytes.readUInt32BE(at + 1);
      if (left < this.wantedBytes) break;
      onMessage(bytes.subarray(at + prefixBytes, at + this.wantedBytes));
      at += this.wantedBytes;
    }
    this.pieces = at < bytes.length ? [bytes.subarray(at)] : [];
    this.heldBytes = bytes.length - at;
  }

  /** A message that comes in parts is copied once, when it is complete. */
  private join(payload: Uint8Array): Buffer | undefined {
    if (this.heldBytes === 0) return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    this.pieces.push(payload);
    this.heldBytes += payload.length;
    return this.heldBytes < this.wantedBytes ? undefined : Buffer.concat(this.pieces, this.heldBytes);
  }
}
