/** The drills that come with etcdlab, and those in files of the user's own. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { LabError } from '../../toolkit/errors.ts';
import { type DrillDefinition, parseDrill } from './definition.ts';

const catalogDirectory = path.join(import.meta.dirname, '../catalog');

/** All drills of the catalogue, by name. @throws LabError LAB_DRILL_FILE */
export async function listDrills(): Promise<DrillDefinition[]> {
  const names = (await readdir(catalogDirectory)).filter((file) => file.endsWith('.yaml')).sort();
  return Promise.all(names.map((file) => readDrill(path.join(catalogDirectory, file))));
}

/**
 * @param nameOrPath a drill of the catalogue, or the path of a drill file ending in .yaml
 * @throws LabError LAB_DRILL_UNKNOWN, naming the drills there are; LAB_DRILL_FILE
 */
export async function findDrill(nameOrPath: string): Promise<DrillDefinition> {
  if (nameOrPath.endsWith('.yaml') || nameOrPath.endsWith('.yml')) return readDrill(path.resolve(nameOrPath));
  const drills = await listDrills();
  const found = drills.find((drill) => drill.name === nameOrPath);
  if (found !== undefined) return found;
  throw new LabError('LAB_DRILL_UNKNOWN', `there is no drill '${nameOrPath}'`, {
    advice: `drills: ${drills.map((drill) => drill.name).join(', ')}; or the path of a .yaml file`,
  });
}

async function readDrill(file: string): Promise<DrillDefinition> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'ENOENT' ? 'there is no such file' : error.message;
    throw new LabError('LAB_DRILL_FILE', `${file}: ${reason}`);
  });
  return parseDrill(path.basename(file).replace(/\.ya?ml$/, ''), text, file);
}
