/** All labs of the workshop, and who looks at which of them. */
import { randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { labPaths } from '../../toolkit/lab/state.ts';
import type { Change } from './changes.ts';
import { LabWatch } from './lab-watch.ts';
import type { LearnerChange, LearnerView } from './learner.ts';
import type { Health, LabView } from './view.ts';

/** A lab that somebody looks at is asked each time, the others less often. */
const turnIntervalMs = 1000;
const unwatchedIntervalMs = 5000;
const maxLabs = 64;
/** What is kept of one lab for a page that is opened later, and of all: labs may come and go under any name. */
const maxHappeningsOfLab = 100;
const maxHappenings = 2000;

/** Something that has happened at a lab. */
export interface Happening {
  /** Counts up, over all labs. */
  readonly id: number;
  readonly atMs: number;
  readonly lab: string;
  readonly change: Change | LearnerChange;
}

/** What a page is sent: one lab in full, and how far all are. */
export interface BoardDocument {
  /** Another one after the program was started anew: ids of happenings begin again. */
  readonly epoch: string;
  readonly nowMs: number;
  /** Missing while there is no lab of that name. */
  readonly lab?: LabView | undefined;
  readonly labs: readonly { readonly name: string; readonly health: Health; readonly learner: LearnerView }[];
}

export interface Watcher {
  /** Missing: whichever lab is the first. */
  readonly lab?: string | undefined;
  /** @param document JSON */
  onDocument(document: string): void;
  onHappening(happening: Happening): void;
}

export interface BoardOptions {
  /** The folder that holds all labs. */
  readonly stateDirectory: string;
  /** Names; missing: all that are in the folder, as they come and go. */
  readonly labs?: readonly string[] | undefined;
  /** Milliseconds. */
  readonly now?: () => number;
}

export class Board {
  readonly epoch = randomBytes(6).toString('base64url');
  private readonly options: BoardOptions;
  private readonly now: () => number;
  private readonly watchers = new Set<Watcher>();
  private readonly labs = new Map<string, { readonly watch: LabWatch; readonly ended: Promise<void> }>();
  private readonly stopped = new AbortController();
  private happenings: Happening[] = [];
  private lastId = 0;
  private finding: Promise<void> | undefined;

  constructor(options: BoardOptions) {
    this.options = options;
    this.now = options.now ?? Date.now;
  }

  /** Begins to watch. */
  start(): void {
    this.finding ??= this.findAgainAndAgain();
  }

  /** Ends when nothing is asked any more and every connection is closed. */
  async stop(): Promise<void> {
    this.stopped.abort();
    await this.finding;
    await Promise.all([...this.labs.values()].map(({ ended }) => ended));
  }

  /** @returns a function that ends it */
  watch(watcher: Watcher): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /** @param lab missing: the first @returns what a page is sent */
  document(lab?: string): BoardDocument {
    const names = [...this.labs.keys()].sort(byName);
    const chosen = this.chosen(lab);
    const views = names.map((name) => (this.labs.get(name) as { watch: LabWatch }).watch.view);
    return {
      epoch: this.epoch,
      nowMs: this.now(),
      lab: views.find(({ name }) => name === chosen),
      labs: views.map(({ name, health, learner }) => ({ name, health, learner })),
    };
  }

  /**
   * @param lab missing: the first
   * @returns what has happened at that lab, and how the learners of all got on; the oldest first
   */
  happeningsSince(id: number, lab?: string): Happening[] {
    const chosen = this.chosen(lab);
    return this.happenings.filter((happening) => happening.id > id && concerns(happening, chosen));
  }

  private chosen(lab: string | undefined): string | undefined {
    return lab ?? [...this.labs.keys()].sort(byName)[0];
  }

  private async findAgainAndAgain(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      const names = this.options.labs ?? (await labNames(this.options.stateDirectory));
      for (const name of names.slice(0, maxLabs)) if (!this.labs.has(name)) this.begin(name);
      for (const watcher of this.watchers) {
        if (!this.labs.has(this.chosen(watcher.lab) ?? '')) {
          watcher.onDocument(JSON.stringify(this.document(watcher.lab)));
        }
      }
      await this.pause(unwatchedIntervalMs);
    }
  }

  private begin(name: string): void {
    const watch = new LabWatch(this.options.stateDirectory, name, this.now);
    this.labs.set(name, { watch, ended: this.watchLab(watch) });
  }

  /** Until the board stops, or a lab that nobody named is gone. */
  private async watchLab(watch: LabWatch): Promise<void> {
    let nextLookMs = 0;
    while (!this.stopped.signal.aborted) {
      const watchers = [...this.watchers].filter((watcher) => this.chosen(watcher.lab) === watch.name);
      if (watchers.length > 0 || this.now() >= nextLookMs) {
        nextLookMs = this.now() + unwatchedIntervalMs;
        for (const change of await watch.look()) this.tell({ lab: watch.name, change });
        if (watch.view.health === 'missing' && this.options.labs === undefined) break;
        this.publish(watch.name, watchers);
      }
      await this.pause(turnIntervalMs);
    }
    this.labs.delete(watch.name);
    await watch.close();
  }

  private publish(name: string, watchers: readonly Watcher[]): void {
    if (watchers.length === 0) return;
    // One text for all who look at this lab.
    const document = JSON.stringify(this.document(name));
    for (const watcher of watchers) watcher.onDocument(document);
  }

  private tell(what: Omit<Happening, 'id' | 'atMs'>): void {
    this.lastId += 1;
    const happening = { id: this.lastId, atMs: this.now(), ...what };
    this.happenings = [...this.happenings, happening].slice(-maxHappenings);
    const ofLab = this.happenings.filter(({ lab }) => lab === what.lab);
    if (ofLab.length > maxHappeningsOfLab) this.happenings = this.happenings.filter((other) => other !== ofLab[0]);
    for (const watcher of this.watchers) {
      if (concerns(happening, this.chosen(watcher.lab))) watcher.onHappening(happening);
    }
  }

  private async pause(intervalMs: number): Promise<void> {
    await delay(intervalMs, undefined, { signal: this.stopped.signal }).catch(() => undefined);
  }
}

/** Learners are shown side by side; of another lab's elections nobody wants to hear. */
function concerns({ lab, change }: Happening, chosen: string | undefined): boolean {
  return lab === chosen || change.kind.startsWith('exercise-');
}

/** `seat10` comes after `seat9`. */
function byName(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

async function labNames(stateDirectory: string): Promise<string[]> {
  const names = await readdir(stateDirectory).catch(() => []);
  const labs = await Promise.all(
    names.map(async (name) => {
      const isLab = await stat(labPaths(stateDirectory, name).stateFile).then(
        () => true,
        () => false,
      );
      return isLab ? [name] : [];
    }),
  );
  return labs.flat().sort(byName);
}
