/** Tables in Unicode boxes, as the packaged upstream 3.5.30 draws them (contract: cli §1.5). */

/** Header cells are upper-cased and centred, data is right-aligned. */
export function boxTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const titles = header.map((title) => title.toUpperCase());
  const widths = titles.map((title, column) => Math.max(width(title), ...rows.map((row) => width(row[column] ?? ''))));
  const border = (left: string, middle: string, right: string): string =>
    `${left}${widths.map((cell) => '─'.repeat(cell + 2)).join(middle)}${right}\n`;
  const line = (cells: readonly string[]): string => `│${cells.join('│')}│\n`;
  const head = line(titles.map((title, column) => centred(title, widths[column] as number)));
  const body = rows.map((row) =>
    line(widths.map((cell, column) => ` ${' '.repeat(cell - width(row[column] ?? ''))}${row[column] ?? ''} `)),
  );
  const rule = rows.length > 0 ? border('├', '┼', '┤') : '';
  return `${border('┌', '┬', '┐')}${head}${rule}${body.join('')}${border('└', '┴', '┘')}`;
}

function centred(text: string, cell: number): string {
  const free = cell + 2 - width(text);
  const left = Math.floor(free / 2);
  return `${' '.repeat(left)}${text}${' '.repeat(free - left)}`;
}

function width(text: string): number {
  return [...text].length;
}
