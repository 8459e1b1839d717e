/** The files of a report. */
import path from 'node:path';
import { writeFileAtomically } from '../../toolkit/hosts/atomic-file.ts';
import { renderHtml } from './html.ts';
import { renderJunit } from './junit.ts';
import { renderMarkdown } from './markdown.ts';
import type { DrillReport } from './report-schema.ts';

/**
 * Writes the report in every form, readable by its owner only: it names keys of the cluster.
 *
 * @returns the absolute paths, the one for people first
 */
export async function writeReports(directory: string, report: DrillReport): Promise<string[]> {
  const forms: [string, string][] = [
    ['report.md', renderMarkdown(report)],
    ['report.json', `${JSON.stringify(report, undefined, 2)}\n`],
    ['report.html', renderHtml(report)],
    ['report.xml', renderJunit(report)],
  ];
  const files: string[] = [];
  for (const [name, text] of forms) {
    const file = path.join(directory, name);
    await writeFileAtomically(file, text, 0o600);
    files.push(file);
  }
  return files;
}
