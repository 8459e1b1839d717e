/**
 * Checks that what clients saw of a key could have come from one register that does one thing at a time, each between
 * its call and its answer (Wing and Gong's search, with Lowe's memory of configurations seen before).
 *
 * Keys are independent of each other, so each is checked by itself (locality: Herlihy and Wing, theorem 1).
 */

/** What a client asked of one key. Values written must be unique within a key's history. */
export type Call =
  | { readonly kind: 'put'; readonly value: string }
  | { readonly kind: 'get' }
  | { readonly kind: 'delete' }
  /** Writes `value` if the key has the value `expected` (undefined: if it does not exist). */
  | { readonly kind: 'cas'; readonly expected: string | undefined; readonly value: string };

/** What it was answered. A `cas` that did not succeed is answered with the value that it found. */
export type Answer =
  | { readonly kind: 'put' }
  | { readonly kind: 'get'; readonly value: string | undefined }
  | { readonly kind: 'delete' }
  | { readonly kind: 'cas'; readonly succeeded: true }
  | { readonly kind: 'cas'; readonly succeeded: false; readonly actual: string | undefined };

export interface Operation {
  readonly client: string;
  readonly key: string;
  readonly call: Call;
  /** From one clock, in any unit. */
  readonly invokedAt: number;
  /** Undefined while the outcome is unknown: it may take effect at any time after its call, or never. */
  readonly returnedAt?: number | undefined;
  readonly answer?: Answer | undefined;
}

export interface Violation {
  readonly key: string;
  /** How many operations of the key fit together, and the value behind the last of them. */
  readonly fitting: number;
  readonly value: string | undefined;
  /** One of these would have to come next, and none can. */
  readonly stuck: readonly Operation[];
}

/** Thrown when the search has not ended within its budget: nothing is known then. */
export class UndecidedError extends Error {
  override readonly name = 'UndecidedError';
}

/**
 * @param budget how many configurations may be looked at per key
 * @returns what cannot be, by key; nothing when the history is linearizable
 * @throws UndecidedError
 */
export function violations(history: readonly Operation[], budget = 5_000_000): Violation[] {
  const byKey = Map.groupBy(history, ({ key }) => key);
  return [...byKey].flatMap(([key, operations]) => new Search(key, operations, budget).run() ?? []);
}

/** The history's part that decides: who reads nothing of an unknown write cannot tell whether it took place. */
function relevant(operations: readonly Operation[]): Operation[] {
  const seen = new Set<string | undefined>();
  for (const { answer } of operations) {
    if (answer?.kind === 'get') seen.add(answer.value);
    if (answer?.kind === 'cas' && !answer.succeeded) seen.add(answer.actual);
  }
  for (const { call, answer } of operations) {
    if (call.kind === 'cas' && answer?.kind === 'cas' && answer.succeeded) seen.add(call.expected);
  }
  // The value of an unknown cas may have been needed by another unknown cas whose value was seen.
  const unknown = operations.filter(({ answer }) => answer === undefined);
  for (let found = true; found; ) {
    found = false;
    for (const { call } of unknown) {
      if (call.kind !== 'cas' || !seen.has(call.value) || seen.has(call.expected)) continue;
      seen.add(call.expected);
      found = true;
    }
  }
  return operations.filter(({ call, answer }) => answer !== undefined || (call.kind !== 'get' && seen.has(left(call))));
}

/** What a write leaves of the key. */
function left(call: Call): string | undefined {
  return 'value' in call ? call.value : undefined;
}

interface Step {
  /** What can come next here, and which of it is tried now. */
  readonly candidates: readonly number[];
  next: number;
  /** The value before the step taken from here. */
  readonly value: string | undefined;
}

class Search {
  private readonly key: string;
  private readonly operations: readonly Operation[];
  private readonly budget: number;
  private readonly done: Uint8Array;
  private readonly seen = new Set<string>();
  private value: string | undefined;
  /** All before it are done. */
  private first = 0;
  /** None behind it is done. */
  private last = -1;
  private answeredLeft: number;
  private doneCount = 0;
  private best: Violation | undefined;

  constructor(key: string, operations: readonly Operation[], budget: number) {
    this.key = key;
    this.operations = relevant(operations).sort((a, b) => a.invokedAt - b.invokedAt);
    this.budget = budget;
    this.done = new Uint8Array(this.operations.length);
    this.answeredLeft = this.operations.filter(({ answer }) => answer !== undefined).length;
  }

  run(): Violation | undefined {
    const path: Step[] = [this.step()];
    while (this.answeredLeft > 0) {
      const step = path.at(-1) as Step;
      const chosen = step.candidates[step.next++];
      if (chosen === undefined) {
        this.remember(step);
        path.pop();
        const previous = path.at(-1);
        if (previous === undefined) return this.best;
        this.undo(previous.candidates[previous.next - 1] as number, previous.value);
      } else if (this.take(chosen)) {
        if (this.isNew()) path.push(this.step());
        else this.undo(chosen, step.value);
      }
    }
    return undefined;
  }

  /** What was called before anything that is left was answered. */
  private step(): Step {
    const { operations, done } = this;
    const candidates: number[] = [];
    let deadline = Number.POSITIVE_INFINITY;
    for (let i = this.first; i < operations.length; i++) {
      const { invokedAt, returnedAt } = operations[i] as Operation;
      if (invokedAt > deadline) break;
      if (done[i] === 1) continue;
      candidates.push(i);
      deadline = Math.min(deadline, returnedAt ?? deadline);
    }
    return { candidates, next: 0, value: this.value };
  }

  /** Does the operation if its answer fits. */
  private take(index: number): boolean {
    const { call, answer } = this.operations[index] as Operation;
    let next = this.value;
    if (call.kind === 'put' || call.kind === 'delete') next = left(call);
    else if (call.kind === 'get') {
      if ((answer as Answer & { kind: 'get' }).value !== this.value) return false;
    } else {
      const succeeds = call.expected === this.value;
      if (answer === undefined && !succeeds) return false;
      if (answer?.kind === 'cas' && answer.succeeded !== succeeds) return false;
      if (answer?.kind === 'cas' && !answer.succeeded && answer.actual !== this.value) return false;
      if (succeeds) next = call.value;
    }
    this.value = next;
    this.done[index] = 1;
    this.doneCount++;
    if (answer !== undefined) this.answeredLeft--;
    while (this.done[this.first] === 1) this.first++;
    this.last = Math.max(this.last, index);
    return true;
  }

  private undo(index: number, value: string | undefined): void {
    this.value = value;
    this.done[index] = 0;
    this.doneCount--;
    if ((this.operations[index] as Operation).answer !== undefined) this.answeredLeft++;
    this.first = Math.min(this.first, index);
  }

  /** Whether no other path has led to the same operations done and the same value. */
  private isNew(): boolean {
    while (this.done[this.last] === 0) this.last--;
    const window = Buffer.from(this.done.buffer, this.first, Math.max(0, this.last + 1 - this.first)).toString(
      'latin1',
    );
    const configuration = `${this.first} ${window} ${this.value ?? ''}`;
    if (this.seen.has(configuration)) return false;
    if (this.seen.size >= this.budget) {
      throw new UndecidedError(`key ${this.key}: not decided after ${this.budget} configurations`);
    }
    this.seen.add(configuration);
    return true;
  }

  private remember({ candidates, value }: Step): void {
    if (this.best !== undefined && this.best.fitting >= this.doneCount) return;
    const stuck = candidates.map((index) => this.operations[index] as Operation);
    this.best = { key: this.key, fitting: this.doneCount, value, stuck };
  }
}
