/** `etcdlab destroy`: asks, then removes a lab with all its data. */
import { createInterface } from 'node:readline/promises';
import { interrupted, LabError } from '../errors.ts';
import { destroyLab, type LabContents, labContents } from '../provision/destroy.ts';
import { addCommand, type Cli, type CommonOptions, locateLab, type RegisterCommand, withLock } from './cli.ts';

interface DestroyOptions extends CommonOptions {
  readonly yes?: boolean;
}

export const registerDestroy: RegisterCommand = (program, cli) => {
  addCommand<DestroyOptions>(
    program,
    cli,
    'destroy',
    'stop the members and remove the lab with all its data',
    (options) => destroy(cli, options),
  ).option('-y, --yes', 'do not ask');
};

async function destroy(cli: Cli, options: DestroyOptions): Promise<undefined> {
  const { name, paths } = await locateLab(cli, options);
  const contents = await labContents(paths);
  if (options.yes !== true) await confirm(cli, name, contents);
  await withLock(paths, 'destroy', () =>
    cli.ui.runTasks(
      [{ title: `Stop the members and remove ${paths.root}`, task: () => destroyLab(paths, contents.members) }],
      {},
    ),
  );
  cli.ui.event({ event: 'finished', name, changed: true });
  cli.ui.line();
  cli.ui.line(`Lab '${name}' is gone.`);
}

async function confirm(cli: Cli, name: string, contents: LabContents): Promise<void> {
  const { members, backups, reports } = contents;
  const loss = `${members.length} members with their data, the certificates, ${backups} backups, ${reports} reports`;
  if (cli.io.stdin.isTTY !== true || cli.ui.mode !== 'terminal') {
    throw new LabError('LAB_NOT_CONFIRMED', `removing lab '${name}' must be confirmed: it would lose ${loss}`, {
      advice: 'etcdlab destroy --yes',
    });
  }
  const prompt = createInterface({ input: cli.io.stdin, output: process.stdout });
  try {
    const question = `Remove lab '${name}': ${loss}. Type its name to go on: `;
    const answer = await prompt.question(question, { signal: cli.signal }).catch(() => {
      throw interrupted();
    });
    if (answer.trim() !== name) throw new LabError('LAB_NOT_CONFIRMED', 'not confirmed; nothing was removed');
  } finally {
    prompt.close();
  }
}
