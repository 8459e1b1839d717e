/** The errors of the v2 API by number, which scripts match on (contract: cli §8). */

const messages = {
  100: 'Key not found',
  101: 'Compare failed',
  102: 'Not a file',
  104: 'Not a directory',
  105: 'Key already exists',
  107: 'Root is read only',
  108: 'Directory not empty',
} as const;

export class V2Error extends Error {
  override readonly name = 'V2Error';
  readonly code: keyof typeof messages;

  /** @param cause the path, or what did not compare */
  constructor(code: keyof typeof messages, cause: string, index: number) {
    super(`${code}: ${messages[code]} (${cause}) [${index}]`);
    this.code = code;
  }
}
