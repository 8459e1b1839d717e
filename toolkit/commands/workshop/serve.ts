/** `etcdlab workshop serve`: the trainer's live page. */
import { once } from 'node:events';
import { Board } from '../../../drills/board/board.ts';
import { loadPage } from '../../../drills/board/page.ts';
import { BoardServer } from '../../../drills/board/server.ts';
import { ExitCode, LabError } from '../../errors.ts';
import { addCommand, type Cli, type CommonOptions, locateLab, type RegisterCommand } from '../cli.ts';

interface ServeOptions extends CommonOptions {
  readonly labs?: string;
  readonly listen: string;
  readonly port: string;
  readonly token?: boolean;
}

const defaultPort = '7379';

/** @param group `etcdlab workshop` */
export const registerServe: RegisterCommand = (group, cli) => {
  addCommand<ServeOptions>(
    group,
    cli,
    'serve',
    'a live page of the labs and their learners, for the trainer',
    (options) => serve(cli, options),
  )
    .option('--labs <names>', 'labs to show, with commas between them (default: all in the folder of labs)')
    .option('--listen <address>', 'address to serve on; beyond this machine, the page asks for a token', '127.0.0.1')
    .option('--token', 'ask for a token on this machine as well')
    .option('--port <number>', 'port to serve on; 0: any that is free', defaultPort);
};

async function serve(cli: Cli, options: ServeOptions): Promise<ExitCode> {
  const port = parsePort(options.port);
  const { stateDirectory, name } = await locateLab(cli, options);
  const labs = options.labs?.split(',') ?? (options.name === undefined ? undefined : [name]);
  if (labs?.some((lab) => !/^[a-z0-9-]{1,63}$/.test(lab))) {
    throw new LabError('LAB_USAGE', `--labs takes names of labs with commas between them, not '${options.labs}'`);
  }
  const board = new Board({ stateDirectory, labs });
  const server = await BoardServer.start({
    board,
    page: await loadPage(),
    listen: options.listen,
    port,
    askForToken: options.token === true,
  });
  board.start();
  try {
    cli.ui.event({ event: 'serving', url: server.url, labs: labs ?? 'all' });
    cli.ui.line(`The page is at ${server.url}`);
    cli.ui.line(`It shows ${labs?.join(', ') ?? `all labs in ${stateDirectory}`}. Ctrl-C ends it.`);
    if (server.url.includes('#')) {
      cli.ui.warning('whoever has this address can read the page; the connection is not encrypted');
    }
    if (!cli.signal.aborted) await once(cli.signal, 'abort');
    return ExitCode.ok;
  } finally {
    await server.close();
    await board.stop();
  }
}

function parsePort(word: string): number {
  const port = Number(word);
  if (!/^\d{1,5}$/.test(word) || port > 65_535) {
    throw new LabError('LAB_USAGE', `--port takes a number from 0 to 65535, not '${word}'`);
  }
  return port;
}
