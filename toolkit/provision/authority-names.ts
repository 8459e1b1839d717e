/** An authority for clients and one for peers: with a shared one, any client could join as a peer. */
export type AuthorityName = 'client-ca' | 'peer-ca';
export const authorityNames: readonly AuthorityName[] = ['client-ca', 'peer-ca'];
