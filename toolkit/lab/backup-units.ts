/** The units that take backups of a lab, from `templates/etcdlab-backup.*`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Eta } from 'eta';
import { quoteUnitWord } from '../hosts/ssh/systemd-unit.ts';
import { projectRoot } from './project.ts';

/** Nothing is escaped unasked: this is no HTML. */
const eta = new Eta({ autoEscape: false, autoTrim: [false, 'nl'] });

export interface BackupService {
  readonly lab: string;
  /** Whom it runs as: who owns the lab's files. */
  readonly user: string;
  readonly command: readonly string[];
  /** The only folders that it may write to. */
  readonly writable: readonly string[];
  /** Ends after one backup: for a timer. */
  readonly once: boolean;
}

/** @returns the name that the service's file must have @param lab its name, which fits into a unit's */
export function backupUnitName(lab: string): string {
  return `etcdlab-backup-${lab}.service`;
}

/** @returns the text of the service; equal input gives equal text */
export async function renderBackupService(service: BackupService): Promise<string> {
  return render('etcdlab-backup.service', { ...service, quote: quoteUnitWord });
}

/** @returns the text of the timer that starts the service */
export async function renderBackupTimer(lab: string, everyMs: number): Promise<string> {
  const everySeconds = Math.ceil(everyMs / 1000);
  return render('etcdlab-backup.timer', { lab, unit: backupUnitName(lab), everySeconds });
}

async function render(name: string, values: object): Promise<string> {
  return eta.renderString(await readFile(join(projectRoot, 'templates', name), 'utf8'), values);
}
