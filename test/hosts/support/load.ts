/**
 * A program: the clients of CertificateLoad on a lab, for tests that are not in the lab's network themselves.
 * STATE_DIRECTORY NAME. Each line on standard input is a number: it is echoed once so many more requests have succeeded.
 * At the end of the input it stops, and says as one line of JSON what it has seen.
 */
import { createInterface } from 'node:readline';
import { Lab } from '../../../toolkit/lab/lab.ts';
import { CertificateLoad } from '../../support/certificate-load.ts';

/** What the clients have seen in the end; as of CertificateLoad. */
export interface SeenByClients {
  readonly completed: number;
  readonly retried: number;
  readonly failed: readonly string[];
}

const [stateDirectory = '', name = ''] = process.argv.slice(2);
const lab = await Lab.open(stateDirectory, name);
const load = new CertificateLoad(lab);
for await (const line of createInterface({ input: process.stdin })) {
  await load.moreCompleted(Number(line));
  console.log(line);
}
await load.stop();
await lab.close();
const seen: SeenByClients = { completed: load.completed, retried: load.retried, failed: load.failed };
console.log(JSON.stringify(seen));
