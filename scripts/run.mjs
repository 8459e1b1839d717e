/** Runs a program under the Node.js of the dependencies, with this process's terminal, signals and exit status. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { ensureInstalled, root } from './install.mjs';

/**
 * @param {string} script path of the program, from the project's root
 * @param {string[]} args
 * @param {Record<string, string>} environment added to this process's own
 */
export function run(script, args, environment = {}) {
  const node = ensureInstalled();
  // Compiled once, not at every command.
  const env = { NODE_COMPILE_CACHE: path.join(root, 'node_modules/.cache/compiled'), ...process.env, ...environment };
  const child = spawn(node, [path.join(root, script), ...args], { stdio: 'inherit', env });
  // A terminal's Ctrl-C reaches the child by itself; other signals, and those without a terminal, are passed on.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('error', (error) => {
    console.error(`error: cannot start ${script}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
