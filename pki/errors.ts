/** What can go wrong with certificates. Programs match on `code`. */

/**
 * - `PKI_INPUT`: a name, address, duration or key size that no certificate may have.
 * - `PKI_PEM`: text or a file that is not the certificate or key it should be.
 * - `PKI_PASSPHRASE`: a private key is encrypted, and the passphrase is missing or wrong.
 * - `PKI_AUTHORITY`: the authority cannot sign: expired, not an authority, or its key is another one's.
 * - `PKI_STORE`: the folder of certificates is not in a state to go on with.
 */
export type PkiErrorCode = 'PKI_INPUT' | 'PKI_PEM' | 'PKI_PASSPHRASE' | 'PKI_AUTHORITY' | 'PKI_STORE';

export class PkiError extends Error {
  override readonly name = 'PkiError';
  readonly code: PkiErrorCode;
  /** What to do about it, if there is something. */
  readonly advice: string | undefined;

  constructor(code: PkiErrorCode, message: string, options: { advice?: string; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.advice = options.advice;
  }
}
