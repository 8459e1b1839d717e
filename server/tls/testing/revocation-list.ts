/** Certificate revocation lists for tests: every field where it belongs, and a signature that nobody looks at. */

function der(tag: number, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const length = content.length < 0x80 ? [content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const time = der(0x17, Buffer.from('260101000000Z'));
const algorithm = der(0x30, der(0x06, Buffer.from('2a8648ce3d040302', 'hex')));

/** @param serials hexadecimal */
export function revocationList(serials: readonly string[], { version = true, nextUpdate = true } = {}): Buffer {
  const entries = serials.map((serial) => der(0x30, der(0x02, Buffer.from(serial, 'hex')), time));
  const signed = der(
    0x30,
    ...(version ? [der(0x02, Buffer.from([1]))] : []),
    ...[algorithm, der(0x30), time],
    ...(nextUpdate ? [time] : []),
    ...(serials.length > 0 ? [der(0x30, ...entries)] : []),
  );
  return der(0x30, signed, algorithm, der(0x03, Buffer.from([0, 1, 2])));
}
