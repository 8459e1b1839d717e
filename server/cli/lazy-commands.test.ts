import { expect, test } from 'vitest';
import { flag } from './flag-set.ts';
import { loadCommands } from './lazy-commands.ts';

const root = {
  name: 'tool',
  short: 'For tests',
  persistentFlags: [flag.string('endpoints', '', 'where'), flag.bool('debug', false, 'more')],
};

async function loadedFor(...argv: string[]): Promise<string[]> {
  const loaded: string[] = [];
  const loader = (name: string) => async () => {
    loaded.push(name);
    return { name, short: `about ${name}` };
  };
  const loaders = { get: loader('get'), put: loader('put'), get2: loader('get2'), help: loader('help') };
  const commands = await loadCommands(root, loaders, argv, ['help']);
  expect(commands.map(({ name }) => name)).toEqual(Object.keys(loaders));
  return loaded;
}

const all = ['get', 'put', 'get2', 'help'];
test.for([
  [['get', 'put'], ['get']],
  [['pu', 'x'], ['put']],
  [['--endpoints', 'get', 'put'], ['put']],
  [['--debug', 'get'], ['get']],
  [['--endpoints=x', 'get', '-h'], ['get']],
  [[], all],
  [['-h'], all],
  [['help', 'get'], all],
  [['ge'], all],
  [['nothing'], all],
] as const)('for %j loads %j', async ([argv, loaded]) => {
  expect(await loadedFor(...argv)).toEqual(loaded);
});
