/**
 * `node scripts/test-hosts.ts up FOLDER` makes the machines that `npm run test:hosts` tests on, to try things by hand;
 * `down FOLDER` removes them. Needs root.
 */
import path from 'node:path';
import { Machines, prepareMachines } from '../test/hosts/support/machines.ts';

const [verb, folder] = process.argv.slice(2);
if (folder === undefined || (verb !== 'up' && verb !== 'down')) {
  console.error('usage: node scripts/test-hosts.ts up|down FOLDER');
  process.exit(2);
}
if (verb === 'down') {
  await Machines.remove(path.resolve(folder));
} else {
  await prepareMachines();
  const { machines, keyFile, prefix } = await Machines.up(path.resolve(folder), true);
  console.log(machines.map(({ name, address }) => `${name} ${address}`).join('\n'));
  console.log(`key:    ${keyFile}\nreach:  ${prefix.join(' ')} ssh -i ${keyFile} lab@${machines[0]?.address}`);
}
