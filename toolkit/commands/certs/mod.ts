/** `etcdlab certs`: the certificates of a lab, one file per verb. */
import type { Cli, RegisterCommand } from '../cli.ts';
import { registerCheck } from './check.ts';
import { registerExport } from './export.ts';
import { registerImportAuthority } from './import-ca.ts';
import { registerInspect } from './inspect.ts';
import { registerIssue } from './issue.ts';
import { registerList } from './list.ts';
import { registerProtectAuthorities } from './protect-ca.ts';
import { registerRenew } from './renew.ts';
import { registerRevoke } from './revoke.ts';
import { registerRotate } from './rotate-ca.ts';
import { registerVerify } from './verify.ts';

/** In the order of the help text. */
const verbs: readonly RegisterCommand[] = [
  registerList,
  registerCheck,
  registerInspect,
  registerVerify,
  registerRenew,
  registerIssue,
  registerRevoke,
  registerRotate,
  registerExport,
  registerImportAuthority,
  registerProtectAuthorities,
];

export const registerCerts: RegisterCommand = (program, cli: Cli) => {
  const certs = program
    .command('certs')
    .summary('the certificates of the lab')
    .description('The certificates of the lab: look at them, renew them, replace the authorities that sign them.')
    .usage('[options] <command>')
    .helpCommand(false);
  for (const register of verbs) register(certs, cli);
  // A group without a verb is a question, not a mistake; an unknown verb is one.
  certs.argument('[verb]').action((verb: string | undefined) => {
    if (verb === undefined) certs.outputHelp();
    else certs.error(`error: unknown command '${verb}'`);
  });
};
