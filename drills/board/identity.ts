/** As whom the board asks the members. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClientTls } from '../../server/client/mod.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';

/** PEM contents of all three. */
export type Identity = ClientTls & { readonly user: string };

/**
 * Certificates that will do, the one with the least rights first: a user `monitor` needs no role as long as users are
 * off, and on 3.6 and later none at all. With users on, 3.5 lets only `root` ask for the status.
 */
const users = ['monitor', 'admin'];

/**
 * Reads them anew: while authorities are rotated, they change.
 * @returns those of the lab that are there, in the order in which they are to be tried
 */
export async function readIdentities({ paths, clientTls }: Lab): Promise<Identity[]> {
  const ca = await readFile(clientTls.caFile).catch(() => undefined);
  if (ca === undefined) return [];
  const found = await Promise.all(
    users.map(async (user): Promise<Identity[]> => {
      try {
        const cert = await readFile(join(paths.pki, `client-${user}.pem`));
        const key = await readFile(join(paths.pki, `client-${user}-key.pem`));
        return [{ user, ca, cert, key }];
      } catch {
        return [];
      }
    }),
  );
  return found.flat();
}

/** @returns whether both are the same files */
export function isSameIdentity(a: Identity, b: Identity): boolean {
  const bytes = ({ ca, cert, key }: Identity) => [ca, cert, key].map((part) => Buffer.from(part ?? ''));
  const others = bytes(b);
  return a.user === b.user && bytes(a).every((part, i) => part.equals(others[i] as Buffer));
}
