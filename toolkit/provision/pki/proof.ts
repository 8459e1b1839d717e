/** Proof, by handshakes, that members serve what they were given and take whom they should. */
import { setTimeout as delay } from 'node:timers/promises';
import { type CertifiedKey, inspect, type PkiStore, verify } from '../../../pki/mod.ts';
import { interrupted, LabError, throwIfInterrupted } from '../../errors.ts';
import type { LabNode } from '../../lab/nodes.ts';
import type { AuthorityName } from '../authority-names.ts';
import { probe } from './served.ts';

/** A member reads its files at the next handshake; one that has just been started needs a moment to listen. */
const deadlineMs = 20_000;
const pollMs = 100;

/** One of a member's sockets, and the certificate that it should serve. */
export interface MemberSocket {
  readonly node: LabNode;
  readonly port: number;
  readonly title: 'client port' | 'peer port';
  /** Name of the certificate in the store. */
  readonly certificate: string;
  readonly authority: AuthorityName;
}

/** @returns the two sockets of each node */
export function memberSockets(nodes: readonly LabNode[]): MemberSocket[] {
  return nodes.flatMap((node): MemberSocket[] => [
    {
      node,
      port: node.clientPort,
      title: 'client port',
      certificate: `server-${node.name}`,
      authority: 'client-ca',
    },
    { node, port: node.peerPort, title: 'peer port', certificate: `peer-${node.name}`, authority: 'peer-ca' },
  ]);
}

/**
 * @param client whose certificate is shown; without one, nobody is let in and the server's side alone is looked at
 * @returns what is wrong with what the socket serves, or undefined
 */
export async function servedProblem(
  store: PkiStore,
  socket: MemberSocket,
  now: Date,
  client?: CertifiedKey,
): Promise<string | undefined> {
  const { address } = socket.node;
  const served = await probe({ address, port: socket.port, client });
  if (served.certificate === undefined) return served.problem;
  const wanted = await store.read(socket.certificate);
  const facts = inspect(served.certificate);
  if (wanted.certificate !== undefined && inspect(wanted.certificate).serial !== facts.serial) {
    return `serves ${facts.serial}, valid until ${facts.notAfter.toISOString()}, not ${socket.certificate}.pem`;
  }
  const authority = (await store.read(socket.authority)).certificate ?? '';
  const [problem] = verify({
    certificate: served.certificate,
    authorities: [authority],
    at: now,
    purpose: 'both',
    host: address,
  });
  if (problem !== undefined) return problem.reason;
  return client !== undefined && !served.answered ? served.problem : undefined;
}

export interface ProofOptions {
  readonly signal?: AbortSignal | undefined;
  readonly now: () => Date;
}

/**
 * Waits until each socket serves the certificate of the store, and the client ports let the administrator in.
 * @throws LabError LAB_PKI_UNPROVED with what each socket does instead, LAB_INTERRUPTED
 */
export async function proveServed(store: PkiStore, nodes: readonly LabNode[], options: ProofOptions): Promise<void> {
  const administrator = await store.load('client-admin');
  await prove('not every member serves its present certificate', options, () =>
    problemsOf(nodes, (socket) =>
      servedProblem(store, socket, options.now(), socket.title === 'client port' ? administrator : undefined),
    ),
  );
}

/**
 * Waits until every client port refuses a certificate, such as a revoked one, or one of an authority that was dropped.
 * A member that cannot be reached, or does not answer, proves nothing.
 * @param what the certificate is called in an error
 * @throws LabError LAB_PKI_UNPROVED naming the members that do not refuse it, LAB_INTERRUPTED
 */
export async function proveRefused(
  client: CertifiedKey,
  what: string,
  nodes: readonly LabNode[],
  options: ProofOptions,
): Promise<void> {
  await prove(`not every member refuses ${what}`, options, () =>
    problemsOf(nodes, async ({ node: { address }, title, port }) => {
      if (title === 'peer port') return undefined;
      const { refused, answered, problem } = await probe({ address, port, client });
      if (refused) return undefined;
      return answered ? 'lets it in' : problem;
    }),
  );
}

async function problemsOf(
  nodes: readonly LabNode[],
  check: (socket: MemberSocket) => Promise<string | undefined>,
): Promise<string[]> {
  const found = await Promise.all(
    memberSockets(nodes).map(async (socket) => {
      const problem = await check(socket);
      return problem === undefined ? [] : [`${socket.node.name}, ${socket.title}: ${problem}`];
    }),
  );
  return found.flat();
}

async function prove(failure: string, { signal }: ProofOptions, check: () => Promise<string[]>): Promise<void> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    throwIfInterrupted(signal);
    const problems = await check();
    if (problems.length === 0) return;
    if (performance.now() > end) {
      throw new LabError('LAB_PKI_UNPROVED', failure, { details: problems, advice: 'etcdlab certs check' });
    }
    await delay(pollMs, undefined, signal ? { signal } : {}).catch(() => {
      throw interrupted();
    });
  }
}
