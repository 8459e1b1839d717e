/** JSON as Go's encoding/json writes it, so that the same bytes come out (contract: disk-and-peer §10). */

/** What `goJson` writes; `undefined` members of objects are left out. */
export type GoJsonValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | readonly GoJsonValue[]
  | { readonly [name: string]: GoJsonValue | undefined };

/** Go's encoding/json: bytes as base64, 64-bit integers as bare digits, `<`, `>` and `&` escaped. */
export function goJson(value: GoJsonValue): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return jsonString(value);
  if (typeof value !== 'object') return String(value);
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`;
  if (Array.isArray(value)) return `[${value.map(goJson).join(',')}]`;
  const members = Object.entries(value).filter((member): member is [string, GoJsonValue] => member[1] !== undefined);
  return `{${members.map(([name, member]) => `${jsonString(name)}:${goJson(member)}`).join(',')}}`;
}

function jsonString(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
