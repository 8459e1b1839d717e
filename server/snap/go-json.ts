/** JSON as Go's encoding/json writes it, so that the same bytes come out (contract: disk-and-peer §10). */

const escaped = /[<>&\u2028\u2029]/g;

/** As JSON.stringify without spaces, and with the characters escaped that are special in HTML and in JavaScript. */
export function goJson(value: unknown): string {
  return JSON.stringify(value).replace(escaped, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
