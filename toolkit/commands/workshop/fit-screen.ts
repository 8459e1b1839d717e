/** Fits what `watch` shows into the terminal: what scrolls out of it could not be drawn over. */
import { stripVTControlCharacters } from 'node:util';

export interface WatchScreen {
  readonly title: string;
  readonly conditions: string;
  /** Says in one line what the conditions say. */
  readonly summary: string;
  /** A text, hints or the solution; may be empty. */
  readonly body: string;
  readonly keys: string;
  /** The key that turns the page, for when there are several. */
  readonly more: (page: number, of: number) => string;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

const fewestLines = 3;

/**
 * @param page from 0 on; after the last one comes the first
 * @returns all of it if there is room; else the body alone, or the conditions where there is none, page by page
 */
export function fitScreen(screen: WatchScreen, { columns, rows }: TerminalSize, page: number): string {
  const { title, conditions, summary, body, keys, more } = screen;
  const heightOf = (text: string): number =>
    text.split('\n').reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columns)), 0);
  const whole = [title, '', conditions, '', ...(body === '' ? [] : [body, '']), keys].join('\n');
  // The cursor stands in the line below.
  const room = rows - 1;
  if (heightOf(whole) <= room) return whole;
  const above = body === '' ? `${title}\n` : `${title}\n${summary}\n`;
  const linesFor = Math.max(fewestLines, room - heightOf(above) - heightOf(`\n${keys}`));
  const pages: string[][] = [[]];
  let used = 0;
  for (const line of (body === '' ? conditions : body).split('\n')) {
    used += heightOf(line);
    if (used > linesFor && pages.at(-1)?.length !== 0) {
      pages.push([]);
      used = heightOf(line);
    }
    pages.at(-1)?.push(line);
  }
  const shown = page % pages.length;
  const turn = pages.length === 1 ? '' : `   ${more(shown + 1, pages.length)}`;
  return [above, ...(pages[shown] ?? []), '', `${keys}${turn}`].join('\n');
}

function widthOf(line: string): number {
  return [...stripVTControlCharacters(line)].length;
}
