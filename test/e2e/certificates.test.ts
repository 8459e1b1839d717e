/** Certificates for life, on members of our own. */
import { describe } from 'vitest';
import { specifyCertificates } from '../support/certificates-spec.ts';

describe('the certificates of a lab on the built-in engine', () => specifyCertificates(() => ({})));
