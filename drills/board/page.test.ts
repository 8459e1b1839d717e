/** The page as one document. What it does is tested in a browser. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Change } from './changes.ts';
import type { LearnerChange } from './learner.ts';
import { loadPage } from './page.ts';

const folder = join(import.meta.dirname, 'page');
// Browsers' code has no types.
const { describeHappening } = await import(join(folder, 'happenings.js'));
const { texts } = await import(join(folder, 'texts.js'));

test('has everything in it, and fetches nothing', async () => {
  const { html } = await loadPage();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.js'))) {
    const exported = /^export (?:function|class|const) (\w+)/m.exec(readFileSync(join(folder, file), 'utf8'))?.[1];
    if (exported !== undefined) expect(html, file).toMatch(new RegExp(`(function|class|const) ${exported}\\b`));
  }
  expect(html).not.toMatch(/\b(src|href)="(?!data:,|#)|@import|url\(|^import |^export /m);
});

test('is allowed by its policy to run what it holds, and nothing else', async () => {
  const { html, contentSecurityPolicy } = await loadPage();
  for (const [tag, directive] of Object.entries({ script: 'script-src', style: 'style-src' })) {
    const content = new RegExp(`<${tag}[^>]*>([^]*?)</${tag}>`).exec(html)?.[1] ?? '';
    const digest = createHash('sha256').update(content).digest('base64');
    expect(contentSecurityPolicy).toContain(`${directive} 'sha256-${digest}';`);
  }
  expect(contentSecurityPolicy).toMatch(/^default-src 'none';/);
  expect(contentSecurityPolicy).not.toContain('unsafe');
});

test('no name is declared twice in what becomes one module', () => {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.js'))
    .flatMap((file) =>
      [...readFileSync(join(folder, file), 'utf8').matchAll(/^(?:export )?(?:function|class|const|let) (\w+)/gm)].map(
        ([, name]) => name,
      ),
    );
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

test('says everything in both languages', () => {
  const shape = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]))
      : typeof value;
  expect(shape(texts.tr)).toEqual(shape(texts.en));
  const keysOf = (words: { keys: string[][] }): unknown[] => words.keys.map(([key]) => key);
  expect(keysOf(texts.tr)).toEqual(keysOf(texts.en));
});

test.each(['en', 'tr'])('tells every kind of happening (%s)', (language) => {
  const title = { en: 'Leases', tr: 'Kiralar' };
  const changes: Record<(Change | LearnerChange)['kind'], object> = {
    'leader-elected': { member: 'node1', term: 3 },
    'leader-lost': {},
    'member-down': { member: 'node1', why: 'exited' },
    'member-up': { member: 'node1' },
    'member-restarted': { member: 'node1' },
    'alarm-raised': { member: 'node1', alarm: 'NOSPACE' },
    'alarm-cleared': { member: 'node1', alarm: 'NOSPACE' },
    'member-added': { member: 'node1' },
    'learner-added': { member: 'node1' },
    'learner-promoted': { member: 'node1' },
    'member-removed': { member: 'node1' },
    'snapshot-saved': { member: 'node1' },
    'snapshot-received': { member: 'node1' },
    'revision-back': { from: 5000, to: 3 },
    'cluster-replaced': { clusterId: 'abc' },
    'certificate-replaced': { member: 'node1' },
    'exercise-started': { exercise: '05-leases', title },
    'exercise-passed': { exercise: '05-leases', title, tookMs: 61_000 },
    'exercise-solved': { exercise: '05-leases', title, tookMs: 61_000 },
  };
  for (const [kind, fields] of Object.entries(changes)) {
    const change = { kind, ...fields };
    const { mark, sentence } = describeHappening({ lab: 'seat1', change }, language, 'seat1');
    expect(mark, kind).toBeTypeOf('string');
    expect(sentence, kind).toMatch(/^(?!.*undefined).+$/);
  }
});
