/** `etcdlab tour`: the first five minutes in one command. Brings the lab up, runs the restore drill, says what is next. */
import { findDrill } from '../../drills/engine/catalog.ts';
import { ExitCode } from '../errors.ts';
import { addCommand, type Cli, type CommonOptions, openLab, type RegisterCommand, withLock } from './cli.ts';
import { confirm } from './confirm.ts';
import { runOnLab } from './drill.ts';
import { bringUp } from './up.ts';

interface TourOptions extends CommonOptions {
  readonly yes?: boolean;
}

export const registerTour: RegisterCommand = (program, cli) => {
  addCommand<TourOptions>(
    program,
    cli,
    'tour',
    'bring the lab up, run the restore drill on it, and say what to try next',
    (options) => tour(cli, options),
  ).option('-y, --yes', 'do not ask, even if the lab holds data of yours');
};

async function tour(cli: Cli, options: TourOptions) {
  const drill = await findDrill('restore');
  await bringUp(cli, options);
  const lab = await openLab(cli, options);
  const keys = await countOwnKeys(lab);
  cli.ui.line();
  if (keys > 0 && options.yes !== true) {
    await confirm(cli, {
      action: `The restore drill kills the members of lab '${lab.name}', which holds ${keys === 1 ? 'a key' : `${keys} keys`} of yours, and restores them from a snapshot`,
      word: lab.name,
      command: 'etcdlab tour --yes',
    });
  }
  const { ui } = cli;
  const exitCode = await withLock(lab.paths, 'tour', () => runOnLab(cli, lab, drill));
  if (exitCode !== ExitCode.ok) return exitCode;
  ui.line();
  ui.line(ui.style('bold', 'The lab is running. What to try next:'));
  ui.line();
  ui.line('  etcdlab status                    who leads, and how everybody is');
  ui.line('  etcdlab ctl put greeting hi       etcdctl with endpoints and certificates set');
  ui.line('  etcdlab ctl get greeting');
  ui.line('  eval "$(etcdlab env)"             makes etcdctl work in this shell');
  ui.line('  etcdlab drill run restore --keys 5000');
  ui.line('  etcdlab logs node1 -f             what a member says');
  ui.line('  etcdlab down                      stop it; destroy removes it');
  return exitCode;
}

/** Keys that no drill has written. */
async function countOwnKeys(lab: Awaited<ReturnType<typeof openLab>>): Promise<number> {
  const client = lab.client();
  const count = async (key: string, end: string): Promise<number> =>
    (await client.range({ key: Buffer.from(key), range_end: Buffer.from(end), count_only: true })).count;
  try {
    const everything = await count('\0', '\0');
    return everything - (await count('etcdlab-drill/', 'etcdlab-drill0'));
  } finally {
    client.close();
  }
}
