import { describe, expect, it } from 'vitest';
import { formatMarkdown } from './markdown.ts';

const text = '## Task\n\nPut `a` **now**:\n\n```sh\n# `put`\nput a\n```\nDone.\n';

describe('a text on a terminal', () => {
  it('shows by colours what the marks mean', () => {
    const painted = formatMarkdown(text, (format, part) => `<${format}:${part}>`);
    expect(painted).toBe('<bold:Task>\n\nPut <green:a> <bold:now>:\n\n    <green:# `put`>\n    <green:put a>\nDone.');
  });

  it('keeps the quotes of code where there are no colours', () => {
    expect(formatMarkdown(text, (_, part) => part)).toBe('Task\n\nPut `a` now:\n\n    # `put`\n    put a\nDone.');
  });
});
