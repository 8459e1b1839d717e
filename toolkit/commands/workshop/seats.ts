/** `etcdlab workshop seats`: a lab for every learner, on one machine. */
import { existsSync } from 'node:fs';
import { LabError } from '../../errors.ts';
import type { LabConfig } from '../../lab/config.ts';
import { formatTable } from '../../output/table.ts';
import { type Cli, type CommonOptions, describedLab } from '../cli.ts';
import { confirm } from '../confirm.ts';
import { destroy } from '../destroy.ts';
import { bringUp } from '../up.ts';

export interface SeatsOptions extends CommonOptions {
  readonly destroy?: boolean;
  readonly yes?: boolean;
}

/** Their ports are ten apart from 2379 on, and must stay below those that the kernel gives to outgoing connections. */
const maxSeats = 30;

/** Brings up `seat1`, `seat2` ..., or removes them. Seats that are up already are left as they are. */
export async function seats(cli: Cli, options: SeatsOptions, countText: string): Promise<undefined> {
  const count = Number(countText);
  if (!/^[1-9][0-9]?$/.test(countText) || count > maxSeats) {
    throw new LabError('LAB_USAGE', `seats takes a number from 1 to ${maxSeats}, not '${countText}'`);
  }
  const names = Array.from({ length: count }, (_, i) => `seat${i + 1}`);
  const { config } = await describedLab(cli, options);
  if (config.provider !== 'local') {
    throw new LabError(
      'LAB_NOT_SUPPORTED',
      `several seats share a machine with provider local only, not ${config.provider}`,
      {
        advice: 'give every learner a lab.yaml with machines of their own',
      },
    );
  }
  if (options.destroy === true) return destroyAll(cli, options, names);
  const rows: string[][] = [];
  for (const name of names) {
    await bringUp(cli, { ...options, name });
    rows.push([name, ports((await describedLab(cli, { ...options, name })).config), `export ETCDLAB_NAME=${name}`]);
  }
  cli.ui.event({ event: 'seats', names });
  cli.ui.line();
  cli.ui.line(formatTable(['SEAT', 'CLIENT PORTS', 'WHAT THE LEARNER TYPES FIRST'], rows));
}

function ports({ nodes }: LabConfig): string {
  return nodes.map(({ clientPort }) => clientPort).join(', ');
}

async function destroyAll(cli: Cli, options: SeatsOptions, names: readonly string[]): Promise<undefined> {
  const there: string[] = [];
  for (const name of names) {
    if (existsSync((await describedLab(cli, { ...options, name })).paths.root)) there.push(name);
  }
  if (options.yes !== true && there.length > 0) {
    await confirm(cli, {
      action: `${there.length} labs are removed with all their data and the learners' progress: ${there.join(', ')}`,
      word: 'yes',
      command: `etcdlab workshop seats ${names.length} --destroy --yes`,
    });
  }
  for (const name of there) await destroy(cli, { ...options, name, yes: true, forget: [] });
}
