import { describe, expect, it } from 'vitest';
import { fitScreen } from './fit-screen.ts';

const size = { columns: 80, rows: 24 };
const linesOf = (count: number, word: string) => Array.from({ length: count }, (_, i) => `${word} ${i}`).join('\n');
const screen = (conditions: string, body: string) => ({
  title: 'title',
  conditions,
  summary: '1 of 2',
  body,
  keys: 'keys',
  more: (page: number, of: number) => `space more ${page}/${of}`,
});
const rowsOf = (text: string) =>
  text.split('\n').reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / 80)), 0);

describe('what watch shows', () => {
  it('is all of it where there is room', () => {
    expect(fitScreen(screen('a\nb', 'text'), size, 0)).toBe('title\n\na\nb\n\ntext\n\nkeys');
    expect(fitScreen(screen('a', ''), size, 0)).toBe('title\n\na\n\nkeys');
  });

  it('is a long text alone, page by page, without losing a line; after the last page comes the first', () => {
    const long = screen(linesOf(8, 'condition'), linesOf(40, 'line'));
    const pages = [0, 1, 2].map((page) => fitScreen(long, size, page));
    for (const page of pages) expect(rowsOf(page)).toBeLessThan(size.rows);
    expect(pages[0]).toMatch(/^title\n1 of 2\n\nline 0\n.*keys {3}space more 1\/3$/s);
    expect(
      pages
        .join('\n')
        .match(/^line \d+$/gm)
        ?.join('\n'),
    ).toBe(linesOf(40, 'line'));
    expect(fitScreen(long, size, 3)).toBe(pages[0]);
  });

  it('counts lines that the terminal breaks, and no colours', () => {
    const wide = Array.from({ length: 10 }, () => 'x'.repeat(200)).join('\n');
    for (const page of [0, 1]) expect(rowsOf(fitScreen(screen('a', wide), size, page))).toBeLessThan(size.rows);
    const green = Array.from({ length: 15 }, () => `\x1b[32m${'x'.repeat(78)}\x1b[39m`).join('\n');
    expect(fitScreen(screen('a', green), size, 0)).not.toContain('more');
  });

  it('is the conditions page by page, where they alone are too many', () => {
    const many = fitScreen(screen(linesOf(30, 'condition'), ''), size, 1);
    expect(many).toContain('condition 29');
    expect(rowsOf(many)).toBeLessThan(size.rows);
  });
});
