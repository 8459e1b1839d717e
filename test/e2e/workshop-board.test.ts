/** `etcdlab workshop serve` on a real lab, read in a real browser. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';
import { execa } from 'execa';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { LabView } from '../../drills/board/view.ts';
import { findChromium, launchChromium } from '../support/chromium.ts';
import { extent, focusedName, newestAnimation, pageColour, poorContrasts } from '../support/in-page.js';
import { noLabChosen } from '../support/lab-environment.ts';
import { TestLab } from '../support/test-lab.ts';

const program = path.join(import.meta.dirname, '../../toolkit/main.ts');
/** A lab that nobody looks at is asked every 5 s, and a busy machine is slow. */
const patience = { timeout: 60_000 };
let lab: TestLab;

beforeAll(async () => {
  lab = await TestLab.up();
});

afterAll(() => lab?.close());

interface Serving {
  readonly url: string;
  /** SIGINT. @returns the exit code */
  end(): Promise<number | undefined>;
}

/** @returns once the page can be asked for */
async function serve(...args: string[]): Promise<Serving> {
  // It runs as long as its test does, which may be longer than any other command may take.
  const running = execa(process.execPath, [program, 'workshop', 'serve', '--port', '0', '--json', ...args], {
    cwd: lab.folder,
    reject: false,
    env: { DEBUG: '', ...noLabChosen },
  });
  const firstLine = once(createInterface({ input: running.stdout }), 'line') as Promise<[string]>;
  const failure = running.then(({ stderr }): never => {
    throw new Error(`it has ended: ${stderr}`);
  });
  const [line] = await Promise.race([firstLine, failure]);
  const { url } = JSON.parse(line) as { url: string };
  let ending: Promise<number | undefined> | undefined;
  return {
    url,
    end: () => {
      ending ??= (async () => {
        running.kill('SIGINT');
        return (await running).exitCode;
      })();
      return ending;
    },
  };
}

async function stateAt(url: string): Promise<{ lab: LabView }> {
  const { origin } = new URL(url);
  return (await (await fetch(`${origin}/state`)).json()) as { lab: LabView };
}

describe('without a browser', () => {
  test('a port that is taken is said to be, and Ctrl-C is the way out', async () => {
    const taken = createServer();
    await once(taken.listen(0, '127.0.0.1'), 'listening');
    const { port } = taken.address() as AddressInfo;
    const { exitCode, stderr } = await lab.run('workshop', 'serve', '--port', String(port));
    taken.close();
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`127.0.0.1 port ${port} is taken by another program`);
    const served = await serve();
    expect(await served.end()).toBe(0);
  });

  test('asks as a user without rights where there is one, and as the administrator where that is refused', async () => {
    await lab.must('certs', 'issue', 'monitor');
    const served = await serve();
    const askedAs = async () =>
      (await stateAt(served.url)).lab?.members.map((member) => [member.askedAs, member.state]);
    try {
      await expect.poll(askedAs, patience).toEqual(Array(3).fill(['monitor', 'up']));
      await lab.must('ctl', 'user', 'add', 'root', '--no-password');
      await lab.must('ctl', 'user', 'grant-role', 'root', 'root');
      await lab.must('ctl', 'auth', 'enable');
      await expect.poll(askedAs, patience).toEqual(Array(3).fill(['admin', 'up']));
    } finally {
      await served.end();
      await lab.run('ctl', 'auth', 'disable');
      await lab.run('ctl', 'user', 'delete', 'root');
    }
  });

  test.each([
    ['--port', 'x'],
    ['--port', '70000'],
    ['--labs', '../etc'],
  ])('%s %s is refused', async (...args) => {
    expect((await lab.run('workshop', 'serve', ...args)).exitCode).toBe(2);
  });
});

describe.skipIf(findChromium() === undefined)('in a browser', () => {
  let browser: Browser;
  let served: Serving;
  let page: Page;
  let complaints: string[];
  let asked: URL[];

  beforeAll(async () => {
    browser = await launchChromium();
    served = await serve();
  });

  afterAll(async () => {
    await browser?.close();
    await served?.end();
  });

  beforeEach(async () => {
    complaints = [];
    asked = [];
    const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, locale: 'en-US' });
    context.setDefaultTimeout(patience.timeout);
    page = await context.newPage();
    page.on('request', (request) => asked.push(new URL(request.url())));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
  });

  afterEach(async () => {
    await page.context().close();
    expect(complaints).toEqual([]);
    const { origin } = new URL(served.url);
    expect(asked.filter((url) => url.protocol !== 'data:' && url.origin !== origin)).toEqual([]);
  });

  /** A member's card. */
  const card = (name: string): Locator => page.locator('.card', { has: page.locator('.name', { hasText: name }) });
  const leaderCard = (): Locator => page.locator('.card[data-role="leader"]');
  const openPage = async (): Promise<void> => {
    await page.goto(served.url);
    await page.locator('#health[data-health="healthy"]').waitFor();
  };

  test('a leader that is killed: the next one and what happened are shown', async () => {
    await openPage();
    const members = (await lab.status()).members as { node: string; pid: number; report: { role: string } }[];
    const leader = members.find(({ report }) => report.role === 'leader');
    if (leader === undefined) throw new Error('the lab has no leader');
    expect(await leaderCard().locator('.name').textContent()).toBe(leader.node);
    expect(await leaderCard().locator('.role').textContent()).toBe('♛ Leader');

    process.kill(leader.pid, 'SIGKILL');
    await page.locator(`.card[data-role="leader"]:not(:has-text("${leader.node}"))`).waitFor();
    const next = await leaderCard().locator('.name').textContent();
    await expect.poll(() => card(leader.node).locator('.role').textContent(), patience).toBe('✖ Down');
    expect(await card(leader.node).locator('.why').textContent()).toContain('its process has ended by itself');
    await page.locator('#log', { hasText: `${next} leads now` }).waitFor();
    await page.locator('#log', { hasText: `${leader.node} is down` }).waitFor();
    await page.locator('#health[data-health="impaired"]').waitFor();
    expect(await page.evaluate(poorContrasts)).toEqual([]);
    // What came while the page was open is read out.
    await page.locator('#log[aria-live="polite"]').waitFor();

    await lab.must('start', leader.node);
    await page.locator('#log', { hasText: `${leader.node} answers again` }).waitFor();
    await page.locator('#health[data-health="healthy"]').waitFor();
  });

  test('watching writes nothing: no entry, no revision', async () => {
    await openPage();
    const lab = async () => (await stateAt(served.url)).lab;
    const indexes = ({ members }: Awaited<ReturnType<typeof lab>>) =>
      members.map(({ term, appliedIndex, revision }) => ({ term, appliedIndex, revision }));
    // An election adds an entry of its own: then it is looked at once more.
    const unchanged = async (): Promise<boolean> => {
      const before = await lab();
      const seen = before.keysPerSecond.length;
      await expect.poll(async () => (await lab()).keysPerSecond.length, patience).toBeGreaterThan(seen + 1);
      return isDeepStrictEqual(indexes(await lab()), indexes(before));
    };
    await expect.poll(unchanged, patience).toBe(true);
  });

  test('keys that are written show in the revision and the rate', async () => {
    await openPage();
    const revision = await page.locator('#revision').textContent();
    await lab.must('ctl', 'put', 'greeting', 'hello');
    await expect.poll(() => page.locator('#revision').textContent(), patience).not.toBe(revision);
    await expect
      .poll(async () => Math.max(...(await stateAt(served.url)).lab.keysPerSecond), patience)
      .toBeGreaterThan(0);
  });

  test('everything is reached with the keyboard, in the order in which it stands', async () => {
    await openPage();
    const walked: string[] = [];
    for (let step = 0; step < 8; step++) {
      await page.keyboard.press('Tab');
      walked.push(await page.evaluate(focusedName));
    }
    expect(walked).toEqual(['skip', 'lab', 'language', 'theme', 'help', 'scroll', 'rows', 'log']);
    await page.keyboard.press('m');
    expect(await page.evaluate(focusedName)).toBe('members');
    await page.keyboard.press('e');
    expect(await page.evaluate(focusedName)).toBe('log');
    await page.keyboard.press('?');
    await page.locator('#keys[open] :focus').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('#keys').waitFor({ state: 'hidden' });
    expect(await page.evaluate(focusedName)).toBe('log');
  });

  test('single keys can be switched off, and stay so', async () => {
    await openPage();
    await page.keyboard.press('?');
    await page.locator('#keys-on').focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('Escape');
    await page.reload();
    await page.locator('#health[data-health="healthy"]').waitFor();
    await page.keyboard.press('l');
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
  });

  test('speaks Turkish when asked to, and remembers it', async () => {
    await openPage();
    await page.keyboard.press('l');
    await page.reload();
    await page.locator('#health[data-health="healthy"]').waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('tr');
    expect(await page.locator('#health').textContent()).toBe('✔ Sağlıklı');
    expect(await leaderCard().locator('.role').textContent()).toBe('♛ Lider');
  });

  test.each(['light', 'dark'] as const)('every text has contrast enough (%s)', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    await openPage();
    await page.keyboard.press('?');
    expect(await page.evaluate(poorContrasts)).toEqual([]);
    expect(await page.evaluate(pageColour)).toBe(colorScheme === 'dark' ? 'rgb(15, 20, 25)' : 'rgb(243, 245, 248)');
  });

  test('the colours can be chosen against those of the system', async () => {
    await page.emulateMedia({ colorScheme: 'light' });
    await openPage();
    await page.keyboard.press('t');
    await page.keyboard.press('t');
    expect(await page.locator('#theme').getAttribute('aria-label')).toBe('Colours: Dark');
    expect(await page.evaluate(pageColour)).toBe('rgb(15, 20, 25)');
    expect(await page.evaluate(poorContrasts)).toEqual([]);
  });

  test.each([
    { width: 1280, height: 720, fits: true },
    { width: 1920, height: 1080, fits: true },
    { width: 390, height: 844, fits: false },
  ])('nothing is cut off at $width x $height', async ({ width, height, fits }) => {
    await page.setViewportSize({ width, height });
    for (const language of ['en', 'tr']) {
      await openPage();
      if (language === 'tr') await page.keyboard.press('l');
      const sizes = await page.evaluate(extent);
      expect(sizes.tooNarrow).toEqual([]);
      expect(sizes.width).toBeLessThanOrEqual(width);
      // On a phone one scrolls; on a screen that everybody looks at, nobody does.
      if (fits) expect(sizes.height).toBeLessThanOrEqual(height);
    }
  });

  test('nothing moves for whoever does not want it', async () => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await openPage();
    await lab.must('restart', 'node1');
    await page.locator('#log li').first().waitFor();
    expect(await page.evaluate(newestAnimation)).toBe('none');
    await page.emulateMedia({ reducedMotion: 'no-preference' });
    expect(await page.evaluate(newestAnimation)).toBe('arrive');
  });

  test('with a token: nothing without it, and it does not stay in the address', async () => {
    const guarded = await serve('--token');
    const { origin, href } = new URL(guarded.url);
    try {
      const guest = await browser.newPage();
      await guest.goto(origin);
      await guest.locator('#notice', { hasText: 'asks for a token' }).waitFor();
      expect(await guest.locator('.card').count()).toBe(0);
      await guest.goto(href);
      await guest.locator('#health[data-health="healthy"]').waitFor();
      expect(guest.url()).not.toContain('token');
      await guest.reload();
      await guest.locator('#health[data-health="healthy"]').waitFor();
      await guest.close();
    } finally {
      await guarded.end();
    }
  });
});
