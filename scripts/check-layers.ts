/**
 * The layer rule: a room imports only from rooms below it, and nothing imports in a circle. Run by `npm run check`.
 */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Rooms by layer, the highest first. A file belongs to the longest path that it starts with. */
const layers: string[][] = [
  ['toolkit/main.ts'],
  ['toolkit/commands'],
  ['drills'],
  ['toolkit/provision'],
  ['toolkit/hosts', 'toolkit/lab', 'toolkit/output'],
  ['toolkit/errors.ts'],
  ['scripts'],
  ['server/main.ts', 'server/executable.ts'],
  ['server/etcdctl', 'server/etcdutl'],
  ['server/cli'],
  ['server/client'],
  ['server/etcd'],
  ['server/metrics', 'server/gateway'],
  ['server/rpc', 'server/http'],
  ['server/member'],
  ['server/peer', 'server/apply'],
  ['server/mvcc', 'server/lease', 'server/auth', 'server/alarm', 'server/membership', 'server/tls'],
  ['server/backend', 'server/concurrency'],
  ['server/raft', 'server/wal', 'server/snap', 'server/bolt', 'server/h2', 'pki', 'templates'],
  ['server/proto'],
  ['server/errors', 'server/base', 'server/program-name.ts'],
];

/** Rooms that could be published alone: what they may import besides themselves. */
const standalone: Record<string, string[]> = {
  'server/raft': ['server/proto', 'server/base'],
  'server/wal': ['server/proto', 'server/base'],
  'server/snap': ['server/proto', 'server/base'],
  'server/bolt': ['server/base'],
  'server/h2': ['server/base'],
  pki: [],
};

const root = path.resolve(import.meta.dirname, '..');
const rooms = layers.flatMap((names, depth) => names.map((name) => ({ name, depth })));

function roomOf(file: string): { name: string; depth: number } | undefined {
  return rooms
    .filter(({ name }) => file === name || file.startsWith(`${name}/`))
    .sort((a, b) => b.name.length - a.name.length)[0];
}

function importsOf(file: string): string[] {
  const source = readFileSync(path.join(root, file), 'utf8');
  return [...source.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
    path.posix.normalize(path.posix.join(path.posix.dirname(file), match[1] as string)),
  );
}

const findings: string[] = [];
const files = globSync('{server,toolkit,drills,pki,scripts}/**/*.{ts,mjs}', { cwd: root });
const roomImports = new Map<string, Set<string>>();
for (const file of files) {
  // Tests and their helpers may reach for anything: they are imported by nothing but tests.
  if (file.endsWith('.test.ts') || file.includes('/testing/')) continue;
  const from = roomOf(file);
  if (from === undefined) {
    findings.push(`${file}: belongs to no layer; give its folder a place in scripts/check-layers.ts`);
    continue;
  }
  for (const target of importsOf(file)) {
    const to = roomOf(target);
    if (target.endsWith('.test.ts') || target.includes('/testing/'))
      findings.push(`${file}: imports the test file ${target}`);
    else if (to === undefined || to.name === from.name) continue;
    else if (to.depth < from.depth) findings.push(`${file}: imports upwards, ${to.name} lies above ${from.name}`);
    else {
      const allowed = standalone[from.name];
      if (allowed && !allowed.includes(to.name)) findings.push(`${file}: ${from.name} must not know ${to.name}`);
      const targets = roomImports.get(from.name) ?? new Set();
      roomImports.set(from.name, targets.add(to.name));
    }
  }
}

/** Depth-first search for a way back to a room that is still being visited. */
function visit(room: string, trail: string[], done: Set<string>): void {
  if (trail.includes(room)) {
    findings.push(`circle: ${[...trail.slice(trail.indexOf(room)), room].join(' → ')}`);
    return;
  }
  if (done.has(room)) return;
  for (const next of roomImports.get(room) ?? []) visit(next, [...trail, room], done);
  done.add(room);
}
const done = new Set<string>();
for (const room of roomImports.keys()) visit(room, [], done);

for (const finding of findings) console.error(finding);
if (findings.length > 0) process.exit(1);
console.log(`layers: ${files.length} files, no import upwards, no circle`);
