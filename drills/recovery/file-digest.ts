/** Digests of files, here and on hosts. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { LabError } from '../../toolkit/errors.ts';
import type { Host } from '../../toolkit/hosts/host.ts';

/** @returns the SHA-256 of a file of this machine, in hex */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/** The digest as the host itself computes it, so that a copy that went wrong shows. */
export async function sha256OnHost(host: Host, file: string, signal: AbortSignal): Promise<string> {
  const commands: [string, string[]][] = [
    ['sha256sum', [file]],
    ['shasum', ['-a', '256', file]],
  ];
  for (const [command, args] of commands) {
    try {
      const { exitCode, stdout } = await host.run(command, args, { signal, timeoutMs: 120_000 });
      const digest = /^\\?([0-9a-f]{64})\b/.exec(stdout)?.[1];
      if (exitCode === 0 && digest !== undefined) return digest;
    } catch (error) {
      if (!(error instanceof LabError) || error.code !== 'LAB_COMMAND_START') throw error;
    }
  }
  throw new LabError(
    'LAB_RESTORE',
    `neither sha256sum nor shasum works on ${host.name}: the copied snapshot cannot be checked`,
    {
      advice: 'install coreutils (sha256sum) or perl (shasum) there',
    },
  );
}
