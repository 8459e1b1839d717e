/** The server that does nothing, as a process of its own. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createAuthority, issue, systemSources } from '../../pki/mod.ts';
import { within } from '../deadline.ts';
import type { Target } from './target.ts';

const nullServer = path.join(import.meta.dirname, 'null-server.ts');
const startTimeoutMs = 10_000;
const validityMs = 86_400_000;

export interface NullTarget extends Target {
  close(): Promise<void>;
}

/**
 * @param program what is started, which tells its port when it is told a certificate or none
 * @throws Error when it ends before that, or does not tell it within 10 s; it is gone then
 */
export async function startNullTarget(isTls: boolean, program: string = nullServer): Promise<NullTarget> {
  const certified = isTls ? certify() : undefined;
  const child = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = once(child, 'exit');
  try {
    const told = once(child, 'message') as Promise<[number]>;
    // A server that is gone before it hears this tells so by its end.
    child.send(certified === undefined ? {} : { cert: certified.cert, key: certified.key }, () => {});
    const endedEarly = ended.then(([code, signal]) => {
      throw new Error(`the null server ended (${code ?? signal}) before it told its port`);
    });
    const [port] = await within(startTimeoutMs, 'the port of the null server', Promise.race([told, endedEarly]));
    return {
      url: `${isTls ? 'https' : 'http'}://127.0.0.1:${port}`,
      ca: certified?.ca,
      isNull: true,
      pids: [child.pid as number],
      close: async () => {
        if (child.connected) child.disconnect();
        await ended;
      },
    };
  } catch (error) {
    // A child that is left keeps the benchmark alive by its channel.
    child.kill('SIGKILL');
    await ended.catch(() => {});
    throw error;
  }
}

function certify(): { ca: string; cert: string; key: string } {
  const authority = createAuthority({ commonName: 'null CA', validityMs }, systemSources);
  const request = { profile: 'server' as const, commonName: 'null', ipAddresses: ['127.0.0.1'], validityMs };
  const { certificate, key } = issue(authority, request, systemSources);
  return { ca: authority.certificate, cert: certificate, key };
}
