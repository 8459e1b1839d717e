/** Watches one lab: asks again and again, and remembers as much as the page shows. */
import { isDeepStrictEqual } from 'node:util';
import { Lab } from '../../toolkit/lab/lab.ts';
import type { CertificateListing } from '../../toolkit/provision/certificate-list.ts';
import { advance, type Change, type Memory } from './changes.ts';
import { LabProbe } from './lab-probe.ts';
import { type LearnerChange, type LearnerView, learnerChanges, readLearner } from './learner.ts';
import type { Observation } from './observation.ts';
import { Rates } from './rates.ts';
import { type LabView, viewOf } from './view.ts';

/** What may change while a workshop goes on, and is not asked for each time. */
const countersIntervalMs = 2000;
const labIntervalMs = 5000;
const certificatesIntervalMs = 15_000;

interface OpenLab {
  readonly lab: Lab;
  readonly probe: LabProbe;
}

export class LabWatch {
  readonly name: string;
  private readonly stateDirectory: string;
  private readonly now: () => number;
  private readonly due = new Map<string, number>();
  private open: OpenLab | undefined;
  private observation: Observation | undefined;
  private memory: Memory | undefined;
  private rates = new Rates();
  private certificates: readonly CertificateListing[] = [];
  private learner: LearnerView | undefined;

  /** @param stateDirectory the folder that holds all labs @param now milliseconds */
  constructor(stateDirectory: string, name: string, now: () => number) {
    this.stateDirectory = stateDirectory;
    this.name = name;
    this.now = now;
  }

  get view(): LabView {
    const { name, observation, memory, rates, certificates, learner = { passed: 0, solved: 0 } } = this;
    return viewOf({
      ...{ name, observation, memory, rates, certificates, learner },
      isMissing: this.open === undefined && this.due.size > 0,
    });
  }

  /** Looks once at everything whose time has come. Does not reject. @returns what has happened since the last time */
  async look(): Promise<(Change | LearnerChange)[]> {
    if (this.isDue('lab', labIntervalMs)) await this.reopen();
    if (this.open === undefined) return [];
    const { lab, probe } = this.open;
    if (this.isDue('counters', countersIntervalMs)) await probe.readCounters();
    if (this.isDue('certificates', certificatesIntervalMs)) this.certificates = await probe.certificates();
    const [observation, read] = await Promise.all([probe.observe(), readLearner(lab.paths)]);
    const learner = read ?? this.learner;
    this.rates.take(observation.nodes);
    const { memory, changes } = advance(this.memory, observation);
    const all = [...changes, ...(learner === undefined ? [] : learnerChanges(this.learner, learner))];
    this.observation = observation;
    this.memory = memory;
    this.learner = learner;
    return all;
  }

  async close(): Promise<void> {
    const { open } = this;
    this.open = undefined;
    open?.probe.close();
    await open?.lab.close();
  }

  /** A lab may be removed, and come back under the same name with other nodes. */
  private async reopen(): Promise<void> {
    const lab = await Lab.open(this.stateDirectory, this.name).catch(() => undefined);
    if (lab === undefined) {
      await this.close();
      this.forget();
      return;
    }
    if (this.open !== undefined && isDeepStrictEqual(this.open.lab.state.nodes, lab.state.nodes)) {
      await lab.close();
    } else {
      await this.close();
      this.forget();
      this.open = { lab, probe: new LabProbe(lab, this.now) };
    }
    await this.open?.probe.refreshIdentity();
  }

  private forget(): void {
    this.rates = new Rates();
    this.certificates = [];
    for (const once of ['counters', 'certificates']) this.due.delete(once);
    this.observation = undefined;
    this.memory = undefined;
    this.learner = undefined;
  }

  private isDue(what: string, intervalMs: number): boolean {
    const now = this.now();
    if (now < (this.due.get(what) ?? 0)) return false;
    this.due.set(what, now + intervalMs);
    return true;
  }
}
