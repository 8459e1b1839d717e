import { z } from 'zod';
import { inspect, issue, PkiStore, systemSources } from '../../pki/mod.ts';
import { memberPkiFiles } from '../../toolkit/lab/member-config.ts';
import { applyPki, planPki, wantedCertificates } from '../../toolkit/provision/certificates.ts';
import { deployPki } from '../../toolkit/provision/deploy-certificates.ts';
import { openClusterView } from '../../toolkit/provision/health/mod.ts';
import { inconclusive } from '../engine/context.ts';
import { plainAuthority } from '../recovery/plain-authority.ts';
import { waitUntilServing } from './start-all-members.ts';
import { defineStep } from './step.ts';

/** Long over when it is put in place: an authority is valid from five minutes before it was made. */
const validityMs = 60_000;

/**
 * Gives every member a server certificate that has expired, from the lab's own authority. Members read their
 * certificate at each handshake, so that the next client meets it; the sound ones stay in the PKI folder.
 */
export const expireCertificates = defineStep({
  name: 'expire-certificates',
  parameters: z.strictObject({}),
  needs: ['reference'],
  makes: ['disasterAt', 'hurt'],
  title: () => 'Let the server certificates of all members expire',
  async run({ lab, runId, journal, found, now }) {
    const store = new PkiStore(lab.paths.pki);
    const authority = await plainAuthority(store, 'client-ca');
    await journal.beginRepair(lab, runId);
    found.hurt = lab.nodes.map(({ name }) => name);
    found.disasterAt = now();
    const { notBefore } = inspect(authority.certificate);
    const issuedAt = new Date(notBefore.getTime() + 1000);
    const expiredAt = new Date(issuedAt.getTime() + validityMs);
    if (expiredAt >= now()) throw inconclusive('the authority is too young to have signed anything that has expired');
    const settings = { ...lab.state.certificates, validity: validityMs };
    for (const node of lab.nodes) {
      const wanted = wantedCertificates([node], settings).find(({ name }) => name === `server-${node.name}`);
      if (wanted === undefined) throw new Error(`no server certificate is wanted for ${node.name}`);
      const { certificate, key } = issue(authority, wanted.request, { ...systemSources, now: () => issuedAt });
      const files = memberPkiFiles(node);
      await node.host.putFiles([
        { path: files.serverKey, content: key, mode: 0o600 },
        { path: files.serverCert, content: certificate, mode: 0o644 },
      ]);
    }
    return `expired since ${expiredAt.toISOString()}, on ${lab.nodes.length} members`;
  },
});

/** The reason must be said: a client alone sees a deadline, or a handshake that fails. */
export const noticeExpiredCertificates = defineStep({
  name: 'notice-expired-certificates',
  parameters: z.strictObject({}),
  needs: ['hurt'],
  makes: [],
  title: () => 'Connect to each member as a new client, and find the reason',
  run: ({ lab, found, measured }) =>
    measured('detect', async () => {
      const view = openClusterView(lab);
      try {
        const reasons: string[] = [];
        for (const node of lab.nodes) {
          const reason = await view.explain(node);
          reasons.push(`${node.name}: ${reason}`);
        }
        found.checks.push({
          name: 'expiry-named',
          passed: reasons.every((reason) => /expired/.test(reason)),
          expected: 'for each member: its certificate has expired',
          observed: reasons.join('; '),
        });
        return reasons.join('; ');
      } finally {
        view.close();
      }
    }),
});

/** What `etcdlab up` does about certificates: issues what must be issued, and puts all in place. No member restarts. */
export const renewCertificates = defineStep({
  name: 'renew-certificates',
  parameters: z.strictObject({}),
  needs: ['disasterAt'],
  makes: ['recovery'],
  title: () => 'Renew the certificates, without a restart',
  async run({ lab, signal, progress, now, found, measured }) {
    const store = new PkiStore(lab.paths.pki);
    const changed = await measured('restore', async () => {
      const plan = await planPki(store, lab.nodes, lab.state.certificates, systemSources.now());
      await applyPki(store, plan, lab.state.certificates, systemSources);
      const files = await Promise.all(lab.nodes.map((node) => deployPki(store, node)));
      return files.flat().length;
    });
    const { summary, recovery } = await measured('start', () => waitUntilServing(lab, { signal, progress, now }));
    found.recovery = recovery;
    return `${changed} files replaced; ${summary}`;
  },
});
