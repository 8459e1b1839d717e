/** The `version` command of both tools (contract: cli §6). */

import { serverVersion } from '../member/version.ts';
import type { Command } from './command.ts';
import { ExitCode } from './exit-error.ts';

export function versionCommand(tool: string): Command {
  return {
    name: 'version',
    short: `Prints the version of ${tool}`,
    run: async ({ io }) => {
      io.stdout.write(`${tool} version: ${serverVersion}\nAPI version: ${serverVersion.replace(/\.\d+$/, '')}\n`);
      return ExitCode.Success;
    },
  };
}
