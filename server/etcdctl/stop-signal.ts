/** SIGINT and SIGTERM as a wish to end in order. */

/**
 * Runs `act` with a signal that fires at the first SIGINT or SIGTERM, which then do not end the process. Its reason is
 * the name of that one.
 *
 * @param source what emits them; the process, but for tests
 */
export async function withStopSignal<T>(
  act: (stop: AbortSignal) => Promise<T>,
  source: Pick<NodeJS.EventEmitter, 'on' | 'off'> = process,
): Promise<T> {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals): void => controller.abort(name);
  for (const name of ['SIGINT', 'SIGTERM']) source.on(name, stop);
  try {
    return await act(controller.signal);
  } finally {
    for (const name of ['SIGINT', 'SIGTERM']) source.off(name, stop);
  }
}

/** What a shell says of a process that died by the signal that `stop` fired for. */
export function exitCodeOf(stop: AbortSignal): number {
  return 128 + (stop.reason === 'SIGINT' ? 2 : 15);
}

/** Resolves when the signal fires. */
export function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
