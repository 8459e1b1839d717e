import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Keyboard } from './keyboard.ts';

/** A terminal that remembers whether single keys come through. */
function terminal() {
  const modes: boolean[] = [];
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (isRaw: boolean) => void modes.push(isRaw),
  });
  return { stdin, modes };
}

describe('single keys', () => {
  it('come one by one, in lower case, whether somebody waits for them already or not', async () => {
    const { stdin } = terminal();
    using keyboard = new Keyboard(stdin);
    const first = keyboard.next(60_000);
    stdin.write('Hn');
    expect(await first).toBe('h');
    expect(await keyboard.next(60_000)).toBe('n');
  });

  it('are undefined when none comes in time', async () => {
    using keyboard = new Keyboard(terminal().stdin);
    expect(await keyboard.next(1)).toBeUndefined();
  });

  it('know Ctrl-C, which is no signal while they are read', async () => {
    const { stdin } = terminal();
    using keyboard = new Keyboard(stdin);
    stdin.write('\x03');
    expect(await keyboard.next(60_000)).toBe('q');
  });

  it('that nobody waits for are kept to a bound', async () => {
    const { stdin } = terminal();
    using keyboard = new Keyboard(stdin);
    stdin.write(`${'a'.repeat(1000)}b`);
    const seen: (string | undefined)[] = [await keyboard.next(60_000)];
    while (seen.at(-1) !== undefined) seen.push(await keyboard.next(1));
    expect(seen.length).toBeLessThan(20);
  });

  it('leave the terminal as it was', () => {
    const { stdin, modes } = terminal();
    {
      using _ = new Keyboard(stdin);
    }
    expect(modes).toEqual([true, false]);
    expect(stdin.listenerCount('data')).toBe(0);
  });
});
