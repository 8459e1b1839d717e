/**
 * The process that a check runs in. Node's permission model leaves it nothing but reading the exercise's own folder:
 * no file to write, no program to run, no connection to make. All that it sees of the cluster it asks its parent for.
 */
import { pathToFileURL } from 'node:url';
import type { ToCheck } from './messages.ts';

type See = Record<string, (...args: unknown[]) => Promise<unknown>>;

interface Condition {
  readonly is: unknown;
  readonly guard?: boolean;
  readonly check: (see: See) => Promise<{ met: boolean; seen: unknown }>;
}

const calls = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
let lastCall = 0;

function send(message: object): void {
  process.send?.(message);
}

function look(name: string, args: unknown[]): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  lastCall += 1;
  calls.set(lastCall, { resolve, reject });
  send({ type: 'look', call: lastCall, name, args });
  return promise;
}

/** A condition whose observation fails does not hold: why is what was seen. */
async function judge({ is, guard, check }: Condition, see: See): Promise<object> {
  const common = { is, ...(guard !== undefined && { guard }) };
  try {
    const { met, seen } = await check(see);
    return { ...common, met, seen };
  } catch (error) {
    // A mistake in the check itself is not the learner's.
    if (!(error instanceof Error) || !('observation' in error)) throw error;
    return { ...common, met: false, seen: error.message };
  }
}

const file = process.argv[2] as string;
const loaded = import(pathToFileURL(file).href).then((module: { default: Condition[] }) => module.default);

process.on('message', async (message: ToCheck) => {
  if (message.type === 'seen') {
    const call = calls.get(message.call);
    calls.delete(message.call);
    if (message.error === undefined) call?.resolve(message.value);
    else call?.reject(Object.assign(new Error(message.error), { observation: true }));
    return;
  }
  try {
    const conditions = await loaded;
    const see: See = Object.fromEntries(
      message.observations.map((name) => [name, (...args: unknown[]) => look(name, args)]),
    );
    const verdicts: object[] = [];
    for (const condition of conditions) verdicts.push(await judge(condition, see));
    send({ type: 'verdicts', run: message.run, verdicts });
  } catch (error) {
    send({ type: 'broken', reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
  }
});
