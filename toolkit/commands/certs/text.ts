/** Sentences below tables. */

const widthColumns = 80;
const indent = '    ';

/** @returns `subject: reason`, broken at spaces so that no line is longer than a terminal is wide, where words allow */
export function wrapReason(subject: string, reason: string): string[] {
  const lines: string[] = [];
  let line = `${subject}:`;
  for (const word of reason.split(' ')) {
    if (line.length + 1 + word.length > widthColumns && line.trim() !== '') {
      lines.push(line);
      line = `${indent}${word}`;
    } else {
      line += ` ${word}`;
    }
  }
  return [...lines, line];
}
