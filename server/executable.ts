/**
 * The executable's main program. Each of the three programs is an asset of its own, with the code that V8 made of it at
 * build time, so that a command line does not wait for the parts of a server.
 */
import { getAsset, getAssetKeys, getRawAsset } from 'node:sea';
import { Script } from 'node:vm';
import { programNamed } from './program-name.ts';

declare const require: unknown;

const name = programNamed(process.argv[1] ?? '');
// An executable that was made on a machine of another kind has none.
const isCompiled = getAssetKeys().includes(`${name}.cache`);
const script = new Script(getAsset(`${name}.cjs`, 'utf8'), {
  filename: `${name}.cjs`,
  ...(isCompiled && { cachedData: new Uint8Array(getRawAsset(`${name}.cache`) as ArrayBuffer) }),
});
(script.runInThisContext() as (require: unknown, module: object) => void)(require, { exports: {} });
