/** Whom the JSON gateway does not know (contract: api.md §2.7). */
import { commonName } from '../tls/server-tls.ts';
import { type HttpHandler, plainText } from './exchange.ts';

/**
 * Puts a refusal in front of a handler: while `isRefused`, nobody reaches the gateway whose certificate names a user.
 * Over the gateway that name does not count, and who relies on it is told so instead of being taken for nobody.
 */
export function withoutCommonNames(isRefused: () => boolean, handler: HttpHandler): HttpHandler {
  return async (request) => {
    if (!/^\/v3(?:beta)?\//.test(request.path) || !isRefused()) return handler(request);
    const certificate = request.peerCertificate?.();
    if (certificate === undefined || (commonName(certificate) ?? '') === '') return handler(request);
    return plainText(
      400,
      'CommonName of client sending a request against gateway will be ignored and not used as expected',
    );
  };
}
