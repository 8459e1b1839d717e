/** bcrypt in the form in which upstream has it. Slow by intention: on the event loop only where nothing else can be done. */
import { randomBytes } from 'node:crypto';
import bcrypt from 'bcryptjs';

/** As the library of upstream has them. */
const minCost = 4;
const maxCost = 31;
export const defaultBcryptCost = 10;

/** Longer passwords would be cut without a word, and upstream refuses them. */
export const maxPasswordBytes = 72;

/** @returns the default for a cost that bcrypt cannot have */
export function clampBcryptCost(cost: number): number {
  return cost < minCost || cost > maxCost ? defaultBcryptCost : cost;
}

/** @param cost the binary logarithm of the number of rounds */
export function hashSync(password: string, cost: number): string {
  return bcrypt.hashSync(password, saltOf(cost));
}

/** @returns false, too, when `hash` is no bcrypt hash */
export function isMatchSync(password: string, hash: string): boolean {
  return /^\$2[abxy]?\$\d\d\$/.test(hash) && bcrypt.compareSync(password, hash);
}

/** The library would write 2b, which means the same; 2a is what upstream's has always written. */
function saltOf(cost: number): string {
  return `$2a$${String(cost).padStart(2, '0')}$${bcrypt.encodeBase64(randomBytes(16), 16)}`;
}
