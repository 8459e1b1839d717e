import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { type CertifiedKey, inspect, issue, PkiStore, systemSources, verify } from '../../pki/mod.ts';
import { interrupted, throwIfInterrupted } from '../../toolkit/errors.ts';
import { memberPkiFiles } from '../../toolkit/lab/member-config.ts';
import type { LabNode } from '../../toolkit/lab/nodes.ts';
import { wantedCertificates } from '../../toolkit/provision/certificates.ts';
import { formatLogLine } from '../../toolkit/provision/health/mod.ts';
import { probe, type Served } from '../../toolkit/provision/pki/served.ts';
import { type DrillContext, required } from '../engine/context.ts';
import { plainAuthority } from '../recovery/plain-authority.ts';
import { followerOf } from '../recovery/record.ts';
import { defineStep } from './step.ts';

/** Beyond this etcd itself warns of the difference between two members' clocks. */
const toleratedSkewMs = 1000;
const deadlineMs = 20_000;
const pollMs = 100;
const searchedLogLines = 500;
/** In the words of either engine, and of the client. */
const aboutDates = /not valid yet|not yet valid/;

/**
 * Gives one member certificates as a machine whose clock runs ahead would issue them, and restarts it, so that all its
 * connections are made anew. The sound ones stay in the PKI folder.
 */
export const skewCertificates = defineStep({
  name: 'skew-certificates',
  parameters: z.strictObject({ aheadSeconds: z.number().int().min(60).max(86_400).default(3600) }),
  needs: ['reference'],
  makes: ['disasterAt', 'hurt'],
  title: ({ aheadSeconds }) => `Give a follower certificates of a machine whose clock is ${aheadSeconds} s ahead`,
  async run({ lab, runId, journal, signal, found, now }, { aheadSeconds }) {
    const client = lab.client();
    const node = await followerOf(client, lab, signal).finally(() => client.close());
    const store = new PkiStore(lab.paths.pki);
    const issuedAt = new Date(now().getTime() + aheadSeconds * 1000);
    const pairs = new Map<string, CertifiedKey>();
    for (const { name, authority, request } of wantedCertificates([node], lab.state.certificates)) {
      if (!name.endsWith(`-${node.name}`)) continue;
      const signer = await plainAuthority(store, authority);
      const sources = { ...systemSources, now: () => issuedAt };
      pairs.set(name, issue(signer, { ...request, backdateMs: 0 }, sources));
    }
    const server = required(pairs.get(`server-${node.name}`), 'server certificate');
    const peer = required(pairs.get(`peer-${node.name}`), 'peer certificate');
    await journal.beginRepair(lab, runId);
    found.hurt = [node.name];
    found.disasterAt = now();
    const files = memberPkiFiles(node);
    await node.host.service.stop();
    await node.host.putFiles([
      { path: files.serverKey, content: server.key, mode: 0o600 },
      { path: files.serverCert, content: server.certificate, mode: 0o644 },
      { path: files.peerKey, content: peer.key, mode: 0o600 },
      { path: files.peerCert, content: peer.certificate, mode: 0o644 },
    ]);
    await node.host.service.start();
    return `${node.name} is started with certificates that are valid from ${inspect(server.certificate).notBefore.toISOString()} on`;
  },
});

/** Dates alone tell how much a clock is wrong, and whose: all clocks are asked. */
export const noticeClockSkew = defineStep({
  name: 'notice-clock-skew',
  parameters: z.strictObject({}),
  needs: ['hurt'],
  makes: [],
  title: () => 'Ask the member for its certificate, every machine for its time, and the other members for their reason',
  run: (context) =>
    context.measured('detect', async () => {
      const { lab, found, signal } = context;
      const [name = ''] = required(found.hurt, 'member that was hurt');
      const node = lab.node(name);
      const { problem, earlyMs, notBefore } = await servedTo(context, node);
      const early = `its dates are ${Math.round(earlyMs / 1000)} s ahead, from ${notBefore.toISOString()} on`;
      const clocks = await Promise.all(lab.nodes.map(clockOf));
      const agree = clocks.every(({ aheadMs, errorMs }) => Math.abs(aheadMs) - errorMs <= toleratedSkewMs);
      const told = clocks.map((each) => `${each.name} ${(each.aheadMs / 1000).toFixed(1)} s ahead`).join(', ');
      found.checks.push(
        {
          name: 'skew-named',
          passed: problem?.code === 'not-yet-valid' && earlyMs > toleratedSkewMs,
          expected: `the certificate of ${name} is not valid yet, and by how much`,
          observed: `${problem?.reason ?? 'it is valid'}; ${early}`,
        },
        {
          name: 'clocks-compared',
          passed: agree,
          expected:
            'the clocks of the machines agree within a second: it was another clock that issued the certificate',
          observed: told,
        },
      );
      const since = required(found.disasterAt, 'disaster');
      const others = lab.nodes.filter((other) => other !== node);
      const lines = await Promise.all(others.map((other) => lineAboutDates(other, since, signal)));
      found.checks.push({
        name: 'peers-say-why',
        passed: lines.every((line) => line !== undefined),
        expected: 'the log of each other member says that a certificate is not valid at this time',
        observed: lines.map((line, i) => `${others[i]?.name}: ${line ?? 'nothing of that kind'}`).join('; '),
      });
      return `${name}: ${early}; ${told}`;
    }),
});

/**
 * Asks at the peer port: the client port of a member that no other talks to may not answer. One that was just started
 * does not listen yet.
 *
 * @returns what a verifier says of the certificate that is served, and how far in the future it begins
 */
async function servedTo({ lab, signal }: DrillContext, { address, peerPort: port }: LabNode) {
  let served: Served | undefined;
  await waitUntil(signal, async () => {
    served = await probe({ address, port });
    return served.certificate !== undefined;
  });
  if (served?.certificate === undefined) throw new Error(`no certificate can be seen: ${served?.problem}`);
  const authority = (await new PkiStore(lab.paths.pki).read('peer-ca')).certificate ?? '';
  const { certificate } = served;
  const [problem] = verify({ certificate, authorities: [authority], at: new Date(), purpose: 'both', host: address });
  const { notBefore } = inspect(certificate);
  return { problem, earlyMs: notBefore.getTime() - Date.now(), notBefore };
}

/** @returns how far the clock of the node's machine is ahead of this one's, and by how much that may be wrong */
async function clockOf({ name, host }: LabNode): Promise<{ name: string; aheadMs: number; errorMs: number }> {
  const asked = Date.now();
  const theirs = (await host.clock()).getTime();
  const answered = Date.now();
  return { name, aheadMs: theirs - (asked + answered) / 2, errorMs: (answered - asked) / 2 };
}

/** @returns what the member has logged of a certificate that is not valid now, since the disaster */
async function lineAboutDates({ host }: LabNode, since: Date, signal: AbortSignal): Promise<string | undefined> {
  let found: string | undefined;
  await waitUntil(signal, async () => {
    const lines = await host.service.logTail(searchedLogLines);
    found = lines.findLast((line) => aboutDates.test(line) && timeOf(line) >= since.getTime());
    return found !== undefined;
  });
  return found && formatLogLine(found);
}

/** @returns the time of a line of etcd's JSON log, in milliseconds since 1970; NaN for another line */
function timeOf(line: string): number {
  try {
    return Date.parse((JSON.parse(line) as { ts: string }).ts);
  } catch {
    return Number.NaN;
  }
}

/** Until it is so, or the deadline is over. @throws LabError LAB_INTERRUPTED */
async function waitUntil(signal: AbortSignal, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await isSo()) && performance.now() < end) {
    throwIfInterrupted(signal);
    await delay(pollMs, undefined, { signal }).catch(() => {
      throw interrupted();
    });
  }
}
