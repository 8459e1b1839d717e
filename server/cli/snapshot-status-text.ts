/** How both tools print what is in a snapshot file (contract: cli §7). */

import { goJson } from '../base/go-json.ts';
import { boxTable } from './box-table.ts';
import { ExitCode, ExitError } from './exit-error.ts';
import { humanizeBytes } from './numbers.ts';

export interface SnapshotFigures {
  readonly hash: number;
  readonly revision: number;
  readonly totalKeys: number;
  readonly totalSizeBytes: number;
}

/** Refuses a format before the file is read. @throws ExitError (4) */
export function requireStatusFormat(format: string): void {
  if (['simple', 'json', 'fields', 'table'].includes(format)) return;
  const text = format === 'protobuf' ? 'protobuf not supported as output format' : 'unsupported output format';
  throw new ExitError(ExitCode.BadFeature, text);
}

/** @param format one that `requireStatusFormat` lets pass */
export function snapshotStatusText(format: string, figures: SnapshotFigures): string {
  const { hash, revision, totalKeys, totalSizeBytes } = figures;
  if (format === 'json') {
    return `${goJson({ hash, revision, totalKey: totalKeys, totalSize: totalSizeBytes })}\n`;
  }
  if (format === 'fields') {
    return `"Hash" : ${hash}\n"Revision" : ${revision}\n"Keys" : ${totalKeys}\n"Size" : ${totalSizeBytes}\n`;
  }
  const row = [hash.toString(16), String(revision), String(totalKeys), humanizeBytes(totalSizeBytes)];
  return format === 'table' ? boxTable(['hash', 'revision', 'total keys', 'total size'], [row]) : `${row.join(', ')}\n`;
}
