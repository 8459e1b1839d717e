/** The report for continuous integration: one test case for each check, in the form that JUnit's XML has. */
import type { Check } from '../verification/check.ts';
import type { DrillReport } from './report-schema.ts';

/** @returns a `testsuite`; a drill that could not be carried through is one case with an error */
export function renderJunit(report: DrillReport): string {
  const { drill, checks, error } = report;
  const cases = checks.map((check) => testCase(drill, check));
  if (error !== undefined) {
    cases.push(
      `  <testcase classname="${text(drill)}" name="carried through"><error message="inconclusive">${text(error)}</error></testcase>`,
    );
  }
  const failures = checks.filter(({ passed }) => !passed).length;
  const attributes = [
    `name="${text(`drill ${drill}`)}"`,
    `tests="${cases.length}"`,
    `failures="${failures}"`,
    `errors="${error === undefined ? 0 : 1}"`,
    `time="${(report.durationMs / 1000).toFixed(3)}"`,
    `timestamp="${text(report.startedAt)}"`,
  ];
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuite ${attributes.join(' ')}>\n${cases.join('\n')}\n</testsuite>\n`;
}

function testCase(drill: string, { name, member, passed, expected, observed }: Check): string {
  const title = member === undefined ? name : `${name} on ${member}`;
  const head = `  <testcase classname="${text(drill)}" name="${text(title)}"`;
  if (passed) return `${head}/>`;
  return `${head}><failure message="${text(`expected ${expected}`)}">${text(`seen: ${observed}`)}</failure></testcase>`;
}

/** Escapes for text and attributes; what XML 1.0 cannot hold at all becomes a replacement character. */
function text(value: string): string {
  return (
    value
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that XML 1.0 forbids
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll('\n', '&#10;')
  );
}
