/** The openssl command, which tests compare with. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const isThere = spawnSync('openssl', ['version']).status === 0;

/** For `describe.skipIf`: without openssl such tests are skipped, and listed so; in continuous integration they fail. */
export const opensslIsMissing = !isThere && !process.env.CI;

/** A folder of files for one openssl command after the other. */
export class OpensslFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'etcdlab-openssl-'));

  write(name: string, content: string | Uint8Array): string {
    writeFileSync(join(this.path, name), content, { mode: 0o600 });
    return name;
  }

  /** @returns exit code and everything that was said */
  run(...args: string[]): { status: number | null; output: string } {
    const { status, stdout, stderr } = spawnSync('openssl', args, {
      cwd: this.path,
      encoding: 'utf8',
      timeout: 20_000,
    });
    return { status, output: `${stdout}${stderr}` };
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
