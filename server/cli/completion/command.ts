/** The `completion` command of both tools (contract: cli §6). */
import type { Command, Invocation } from '../command.ts';
import { ExitCode } from '../exit-error.ts';
import { flag } from '../flag-set.ts';
import { completionEntries } from './entries.ts';
import { bashScript, fishScript, powershellScript, type ScriptWriter, zshScript } from './scripts.ts';

const shells: Record<string, { write: ScriptWriter; use: (tool: string) => string }> = {
  bash: { write: bashScript, use: (tool) => `source <(${tool} completion bash)` },
  fish: { write: fishScript, use: (tool) => `${tool} completion fish | source` },
  powershell: {
    write: powershellScript,
    use: (tool) => `${tool} completion powershell | Out-String | Invoke-Expression`,
  },
  zsh: { write: zshScript, use: (tool) => `source <(${tool} completion zsh)` },
};

/** @param root of the tool whose commands are completed; asked for when the command runs */
export function completionCommand(tool: string, root: () => Command): Command {
  return {
    name: 'completion',
    argumentsUsage: '',
    short: 'Writes a script that completes command lines in a shell',
    commands: Object.entries(shells).map(([shell, { write, use }]) => ({
      name: shell,
      short: `Writes the script for ${shell}`,
      long: `To complete in the shell that runs now:\n\n${use(tool)}`,
      flags: [flag.bool('no-descriptions', false, 'accepted; scripts have descriptions where their shell shows them')],
      run: async ({ io }: Invocation) => {
        io.stdout.write(write(tool, completionEntries(root())));
        return ExitCode.Success;
      },
    })),
  };
}
