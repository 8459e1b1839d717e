/** Reads lab.yaml. An error names file, line, column and reason; all errors of a file are reported at once. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type Document, LineCounter, parseDocument } from 'yaml';
import { LabError } from '../errors.ts';
import { absoluteBackupPaths } from './backup-config.ts';
import { type LabConfig, labConfigSchema } from './config.ts';
import { type EngineArchive, locatedEngine } from './engine-config.ts';
import { describeIssue, offsetOfIssue, unfoldIssue } from './yaml-issues.ts';

/** `built-in`, the folder of upstream's binaries, or an archive of them. */
export type EngineOverride = string | EngineArchive;

/** What flags say in place of the file, for one run. */
export interface ConfigOverrides {
  readonly name?: string;
  readonly engine?: EngineOverride;
}

/** Nobody's lab.yaml is larger, but a file given by mistake may be. */
const maxSizeBytes = 1024 * 1024;

/**
 * @param path lab.yaml; undefined for the defaults
 * @throws LabError LAB_CONFIG with one detail per error
 */
export async function loadConfig(path: string | undefined, overrides: ConfigOverrides = {}): Promise<LabConfig> {
  if (path === undefined) return parseConfig('', 'the default lab', process.cwd(), overrides);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new LabError('LAB_CONFIG', `${path} cannot be read`, {
      advice: 'correct --file or ETCDLAB_FILE; without them it is lab.yaml, or a lab of three members',
      cause,
    });
  }
  return parseConfig(text, path, dirname(resolve(path)), overrides);
}

/**
 * @param text YAML; empty for the defaults
 * @param path what errors call the file
 * @param base the folder that relative paths in the file start from
 * @throws LabError LAB_CONFIG
 */
export function parseConfig(text: string, path: string, base: string, overrides: ConfigOverrides = {}): LabConfig {
  if (text.length > maxSizeBytes) throw new LabError('LAB_CONFIG', `${path} is larger than ${maxSizeBytes} bytes`);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  refuse(document.errors.map((error) => `${at(error.pos[0])}: ${error.message}`));
  const raw = plainValue(document, at);
  const { engine } = overrides;
  const shift = overrides.name === undefined ? 0 : portShift(overrides.name, raw.name);
  if (overrides.name !== undefined) raw.name = overrides.name;
  if (engine !== undefined) {
    raw.engine = engineOfFlag(engine);
  }
  const result = labConfigSchema.safeParse(raw);
  if (!result.success) {
    refuse(
      result.error.issues.flatMap(unfoldIssue).map((issue) => {
        const flag = issue.path.length > 0 ? flagOf(String(issue.path[0]), overrides) : undefined;
        return `${flag ?? at(offsetOfIssue(document, issue))}: ${describeIssue(issue)}`;
      }),
    );
  }
  return absolutePaths(shiftPorts(result.data as LabConfig, shift), base);
}

/** Between the ports of one seat and the next. */
const portsApart = 10;

/**
 * Several labs come from one description, by names such as `seat7`: each number has ports of its own.
 *
 * @param described the name that the file gives: its ports are meant as they stand
 * @returns what is added to every port
 */
function portShift(name: string, described: unknown): number {
  const seat = /[a-z-]([1-9][0-9]?)$/.exec(name)?.[1];
  return name === described || seat === undefined ? 0 : Number(seat) * portsApart;
}

/** @throws LabError LAB_CONFIG if a port would be none */
function shiftPorts(config: LabConfig, shift: number): LabConfig {
  if (config.provider !== 'local' || shift === 0) return config;
  const shifted = (port: number): number => {
    if (port + shift <= 65_535) return port + shift;
    throw new LabError(
      'LAB_CONFIG',
      `lab '${config.name}' would have the port ${port + shift}: ${port} in lab.yaml and ${shift} for the number in its name`,
    );
  };
  const nodes = config.nodes.map((node) => ({
    ...node,
    clientPort: shifted(node.clientPort),
    peerPort: shifted(node.peerPort),
  }));
  return { ...config, nodes };
}

function engineOfFlag(engine: EngineOverride): unknown {
  if (engine === 'built-in') return engine;
  if (typeof engine === 'string') return { kind: 'upstream', path: resolve(engine) };
  return { kind: 'upstream', archive: resolve(engine.file), sha256: engine.sha256 };
}

function refuse(errors: readonly string[]): void {
  const [first] = errors;
  if (first === undefined) return;
  if (errors.length === 1) throw new LabError('LAB_CONFIG', first);
  throw new LabError('LAB_CONFIG', `${errors.length} errors in the lab's description`, { details: errors });
}

/** @returns the document as an object that may be changed */
function plainValue(document: Document, at: (offset: number) => string): Record<string, unknown> {
  // A bound on aliases stops a small file from growing into gigabytes.
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  if (value === null || value === undefined) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new LabError('LAB_CONFIG', `${at(0)}: a lab is described by a mapping, such as: name: lab`);
}

function flagOf(key: string, overrides: ConfigOverrides): string | undefined {
  return (key === 'name' || key === 'engine') && overrides[key] !== undefined ? `--${key}` : undefined;
}

/** Relative to the file that names them; `~/` is the user's own folder, as in ssh_config. */
function absolutePaths(config: LabConfig, base: string): LabConfig {
  const { engine, ssh, nodes, backups, exercises } = config;
  const absolute = (path: string) => (path.startsWith('~/') ? join(homedir(), path.slice(2)) : resolve(base, path));
  const withIdentity = <T extends { identityFile?: string | undefined }>(settings: T): T =>
    settings.identityFile === undefined ? settings : { ...settings, identityFile: absolute(settings.identityFile) };
  return {
    ...config,
    engine: locatedEngine(engine, nodes, absolute),
    ...(exercises !== undefined && { exercises: absolute(exercises) }),
    ...(ssh !== undefined && { ssh: withIdentity(ssh) }),
    nodes: nodes.map((node) => (node.ssh === undefined ? node : { ...node, ssh: withIdentity(node.ssh) })),
    ...(backups !== undefined && { backups: absoluteBackupPaths(backups, absolute) }),
  };
}
