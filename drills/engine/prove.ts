/** The end of every drill: what the cluster must show now, what it does show, and the judgement. */
import { throwIfInterrupted } from '../../toolkit/errors.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import type { Check } from '../verification/check.ts';
import type { Observation, Reference } from '../verification/evidence.ts';
import { applyBatches, liveKeysOf, underPrefix } from '../verification/live-keys.ts';
import { observe } from '../verification/observe.ts';
import { type Verdict, verify } from '../verification/verify.ts';
import { type Assertion, checkAssertion } from './assertions.ts';
import { type DrillContext, type Findings, required } from './context.ts';

/**
 * @param assertions of the drill file
 * @throws LabError LAB_INTERRUPTED: a reading that was cut short is no finding about the cluster
 */
export async function prove(
  { lab, found, signal, progress }: DrillContext,
  assertions: readonly Assertion[],
): Promise<{ verdict: Verdict; observations: readonly Observation[] }> {
  const target = found.target ?? lab;
  const reference = expectedInTheEnd(found);
  const asserted = await assertAll(target, assertions, signal);
  const observations = await observe(target, reference, found.restoredFrom, { signal, progress });
  throwIfInterrupted(signal);
  const verdict = verify(reference, required(found.recovery, 'recovery'), observations);
  const checks = [...found.checks, ...verdict.checks, ...asserted];
  return { verdict: { ...verdict, checks, passed: checks.every(({ passed }) => passed) }, observations };
}

/** The record, and what was acknowledged since. */
function expectedInTheEnd({ reference: recorded, dataSet, written }: Findings): Reference {
  const reference = required(recorded, 'record of the cluster');
  if (reference.outcome === 'restored') return reference;
  const { keys: all, leases } = applyBatches({ keys: liveKeysOf(reference.keys), leases: reference.leases }, written);
  const { prefix } = required(dataSet, 'data set');
  return { ...reference, leases, live: { prefix, keys: underPrefix(all, prefix), all } };
}

async function assertAll(lab: Lab, assertions: readonly Assertion[], signal: AbortSignal): Promise<Check[]> {
  const client = lab.client();
  const checks: Check[] = [];
  try {
    for (const { name: member, clientUrl: endpoint } of lab.nodes) {
      for (const assertion of assertions) {
        checks.push(await checkAssertion(client, assertion, { member, endpoint, signal }));
      }
    }
  } finally {
    client.close();
  }
  return checks;
}
