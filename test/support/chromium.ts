/** Chromium, for tests of pages. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const usualPlace = '/usr/bin/chromium';

/**
 * Where Chromium is: ETCDLAB_CHROMIUM, or where Debian has it. Tests that need it are skipped, visibly, for whoever has
 * not got it; continuous integration must have it.
 *
 * @throws Error in continuous integration when it is not there
 */
export function findChromium(): string | undefined {
  const program = process.env.ETCDLAB_CHROMIUM ?? usualPlace;
  if (existsSync(program)) return program;
  if (process.env.CI) throw new Error('ETCDLAB_CHROMIUM must name the executable of Chromium');
  return undefined;
}

/** Launches it such that it asks nothing of anybody by itself. To be closed. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium() ?? usualPlace,
    args: [
      // Its sandbox needs a user other than root; the pages are our own.
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
