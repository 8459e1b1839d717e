import path from 'node:path';
import { expect, test } from 'vitest';
import { reportJsonSchema } from './report-schema.ts';

test('the published schema of reports is that of the code; `vitest -u` writes it anew', async () => {
  const published = path.join(import.meta.dirname, 'report.schema.json');
  await expect(`${JSON.stringify(reportJsonSchema(), undefined, 2)}\n`).toMatchFileSnapshot(published);
});
