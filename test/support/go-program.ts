/** Programs in Go, which use etcd as its own client does: built when a test wants one. */
import { type ChildProcessWithoutNullStreams, execFile, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

/**
 * Whether Go is here, in the version that a module asks for. Tests that need it are skipped, visibly, for whoever has not
 * got it; continuous integration must have it.
 *
 * @param source folder of the module
 * @throws Error in continuous integration when it is not there
 */
export function haveGo(source: string): boolean {
  const wanted = /^go (\S+)$/m.exec(readFileSync(path.join(source, 'go.mod'), 'utf8'))?.[1] ?? '';
  // As it is installed: none is downloaded.
  const env = { ...process.env, GOTOOLCHAIN: 'local' };
  const { status, stdout } = spawnSync('go', ['env', 'GOVERSION'], { cwd: tmpdir(), env, encoding: 'utf8' });
  const isThere = status === 0 && isGoAtLeast(stdout.trim(), wanted);
  if (!isThere && process.env.CI) throw new Error(`the tests with Go’s client need \`go\` ${wanted}`);
  return isThere;
}

/** @param version as `go env GOVERSION` says it @param wanted as go.mod says it */
export function isGoAtLeast(version: string, wanted: string): boolean {
  return orderOf(version) >= orderOf(wanted);
}

/** Of `go1.25.3`, `go1.26rc1` or `1.25.0`; NaN of what names no version, such as `devel`. */
function orderOf(version: string): number {
  const [, major, minor, patch = 0] = /^(?:go)?(\d+)\.(\d+)(?:\.(\d+))?/.exec(version) ?? [];
  return (Number(major) * 1000 + Number(minor)) * 1000 + Number(patch);
}

/**
 * Builds the module in a folder, into a folder of its own that `remove` removes.
 *
 * @throws Error with the compiler's words, or when it takes longer than 5 minutes
 */
export async function buildGo(source: string): Promise<{ program: string; remove(): Promise<void> }> {
  const directory = await mkdtemp(path.join(tmpdir(), 'etcdlab-go-'));
  const remove = () => rm(directory, { recursive: true, force: true });
  const program = path.join(directory, 'program');
  try {
    // Nothing is taken but what go.sum names.
    const env = { ...process.env, GOFLAGS: '-mod=readonly -buildvcs=false', GOTOOLCHAIN: 'local', CGO_ENABLED: '0' };
    await promisify(execFile)('go', ['build', '-o', program, '.'], { cwd: source, env, timeout: 300_000 });
    return { program, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** A program that is told what to do in lines, and answers in lines. */
export class LineProgram {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterator<string>;
  private errors = '';

  constructor(program: string, args: readonly string[]) {
    this.child = spawn(program, args, { env: { PATH: process.env.PATH } });
    this.child.stderr.on('data', (bytes) => {
      this.errors = `${this.errors}${bytes}`.slice(-4000);
    });
    this.child.stdin.on('error', () => undefined); // It may have ended: reading tells.
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  /**
   * Says a line, unless there is none to say, and waits for the answer.
   *
   * @throws Error with what the program has complained of, when it ends or is silent for 90 s
   */
  async answer(line?: string): Promise<string> {
    if (line !== undefined) this.child.stdin.write(`${line}\n`);
    const late = setTimeout(() => this.child.kill('SIGQUIT'), 90_000);
    const { done, value } = await this.lines.next().finally(() => clearTimeout(late));
    if (done === true) throw new Error(`the program has ended, asked for ${line ?? 'its first line'}: ${this.errors}`);
    return value;
  }

  close(): void {
    this.child.kill('SIGKILL');
  }
}
