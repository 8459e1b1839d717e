/** The server that does nothing, as a process of its own. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createAuthority, issue, systemSources } from '../../pki/mod.ts';
import type { Target } from './target.ts';

const startTimeoutMs = 10_000;
const validityMs = 86_400_000;

export interface NullTarget extends Target {
  close(): Promise<void>;
}

/** @throws Error when it does not start within 10 s */
export async function startNullTarget(isTls: boolean): Promise<NullTarget> {
  const child = fork(path.join(import.meta.dirname, 'null-server.ts'), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  const certified = isTls ? certify() : undefined;
  child.send(certified === undefined ? {} : { cert: certified.cert, key: certified.key });
  const [port] = (await once(child, 'message', { signal: AbortSignal.timeout(startTimeoutMs) })) as [number];
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
}

function certify(): { ca: string; cert: string; key: string } {
  const authority = createAuthority({ commonName: 'null CA', validityMs }, systemSources);
  const request = { profile: 'server' as const, commonName: 'null', ipAddresses: ['127.0.0.1'], validityMs };
  const { certificate, key } = issue(authority, request, systemSources);
  return { ca: authority.certificate, cert: certificate, key };
}
