/** The steps of `certs renew`: new keys and certificates for members and clients, while the members go on serving. */
import type { ListrTask } from 'listr2';
import { inspect, type PkiStore, type Sources } from '../../../pki/mod.ts';
import { LabError, throwIfInterrupted } from '../../errors.ts';
import type { Lab } from '../../lab/lab.ts';
import { authorityNames } from '../authority-names.ts';
import { didYouMean } from '../certificate-names.ts';
import { certifiedUsers, issueAll, planPki, type ToIssue, wantedCertificates } from '../certificates.ts';
import { deployPki } from '../deploy-certificates.ts';
import { proveServed } from './proof.ts';
import { runningNodes } from './running.ts';

export interface RenewOptions {
  readonly lab: Lab;
  readonly store: PkiStore;
  readonly sources: Sources;
  readonly signal?: AbortSignal | undefined;
  /** Names in the store, or of nodes for both of their certificates; empty for those that are due. */
  readonly names: readonly string[];
  /** Whether or not they are due. */
  readonly all?: boolean;
  /** Also those with less than this left. */
  readonly withinMs?: number | undefined;
}

export interface RenewContext {
  /** Names of what was issued. */
  issued: string[];
}

/**
 * @returns what will be issued, and why
 * @throws LabError LAB_USAGE for a name that there is not, LAB_PKI_REFUSED for an authority or one that is unusable
 */
export async function planRenewal(options: RenewOptions): Promise<ToIssue[]> {
  const { lab, store, sources, all, withinMs } = options;
  const names = options.names.flatMap((name) =>
    lab.nodes.some((node) => node.name === name) ? [`server-${name}`, `peer-${name}`] : [name],
  );
  const settings = lab.state.certificates;
  const due = new Map(
    (await planPki(store, lab.nodes, settings, sources.now())).toIssue.map((entry) => [entry.wanted.name, entry]),
  );
  const wanted = wantedCertificates(lab.nodes, settings, await certifiedUsers(store));
  refuseUnknown(
    names,
    wanted.map(({ name }) => name),
  );
  const chosen: ToIssue[] = [];
  for (const certificate of wanted) {
    const { name } = certificate;
    const isNamed = names.includes(name);
    const left = withinMs === undefined ? Number.POSITIVE_INFINITY : await leftMs(store, name, sources.now());
    if (names.length > 0 && !isNamed) continue;
    const reason =
      due.get(name)?.reason ??
      (left < (withinMs ?? 0) ? 'expires soon' : undefined) ??
      (isNamed || all === true ? 'as asked' : undefined);
    if (reason !== undefined) chosen.push({ wanted: certificate, reason });
  }
  return chosen;
}

function refuseUnknown(names: readonly string[], known: readonly string[]): void {
  for (const name of names) {
    if (known.includes(name)) continue;
    if ((authorityNames as readonly string[]).includes(name)) {
      throw new LabError('LAB_PKI_REFUSED', `${name} is an authority: it is not renewed, but replaced by another`, {
        advice: `etcdlab certs rotate-ca ${name}`,
      });
    }
    throw new LabError(
      'LAB_USAGE',
      `there is no certificate '${name}'${didYouMean(name, known)}; there are ${known.join(', ')}`,
    );
  }
}

async function leftMs(store: PkiStore, name: string, now: Date): Promise<number> {
  const { certificate } = await store.read(name);
  return certificate === undefined ? 0 : inspect(certificate).notAfter.getTime() - now.getTime();
}

/** @param chosen as `planRenewal` returned it @returns the task list; members are not restarted */
export function renewTasks(options: RenewOptions, chosen: readonly ToIssue[]): ListrTask<RenewContext>[] {
  const { lab, store, sources, signal } = options;
  return [
    {
      title: 'Issue certificates',
      task: async (context, task) => {
        throwIfInterrupted(signal);
        await issueAll(
          store,
          chosen.map(({ wanted }) => wanted),
          sources,
        );
        context.issued = chosen.map(({ wanted }) => wanted.name);
        task.output = chosen.map(({ wanted, reason }) => `${wanted.name} (${reason})`).join(', ');
      },
    },
    {
      title: 'Bring them to the members',
      task: async () => {
        for (const node of lab.nodes) {
          throwIfInterrupted(signal);
          await deployPki(store, node);
        }
      },
    },
    {
      title: 'Prove it by handshakes',
      task: async (_, task) => {
        const nodes = await runningNodes(lab);
        if (nodes.length === 0) return task.skip('no member runs');
        await proveServed(store, nodes, { signal, now: sources.now });
      },
    },
  ];
}
