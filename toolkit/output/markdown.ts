/** Texts of people for people, on a terminal: enough of Markdown for an exercise. */

/** Colours a piece of text. */
export type Paint = (format: 'bold' | 'dim' | 'green', text: string) => string;

/**
 * @param text with headings, code spans and fenced code; its lines are broken as they are to be shown
 * @returns the same without the marks, if something shows what they meant; code stands indented
 */
export function formatMarkdown(text: string, paint: Paint): string {
  let isCode = false;
  const lines: string[] = [];
  for (const line of text.trim().split('\n')) {
    if (line.startsWith('```')) isCode = !isCode;
    else if (isCode) lines.push(`    ${paint('green', line)}`.trimEnd());
    else lines.push(formatLine(line, paint));
  }
  return lines.join('\n');
}

function formatLine(line: string, paint: Paint): string {
  const heading = /^#{1,6} +(.*)$/.exec(line);
  if (heading !== null) return paint('bold', heading[1] as string);
  return line
    .replace(/\*\*([^*]+)\*\*/g, (_, bold: string) => paint('bold', bold))
    .replace(/`([^`]+)`/g, (quoted, code: string) => {
      // Without colours, the quotes are all that tells code from words.
      const painted = paint('green', code);
      return painted === code ? quoted : painted;
    });
}
