/** Authentication and authorisation: users, roles, tokens, and who may do what. */
export { type AuthInfo, rootName } from './auth-info.ts';
export {
  type Asker,
  isRoot,
  requireCurrent,
  requireRead,
  requireRoot,
  requireUser,
  requireWrite,
} from './authorizer.ts';
export { clampBcryptCost, defaultBcryptCost, hashSync } from './bcrypt.ts';
export { type JwtKeys, JwtTokens, jwtMethods } from './jwt-tokens.ts';
export { BcryptPool, type PasswordHasher } from './passwords.ts';
export { AuthStore, isWithoutPassword } from './store.ts';
export { tokenProvider } from './token-options.ts';
export { NoTokens, SimpleTokens, type TokenProvider } from './tokens.ts';
