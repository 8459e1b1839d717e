import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { backupUnitName, renderBackupService, renderBackupTimer } from './backup-units.ts';

const service = {
  lab: 'test',
  user: 'root',
  command: [process.execPath, '/opt/etcd lab/main.ts', 'backup', 'run', '--keep', '100%'],
  writable: ['/tmp/labs of mine', '/mnt/backups'],
};
const canVerify = spawnSync('systemd-analyze', ['--version']).status === 0;

describe('the units that take backups', () => {
  test('quote what systemd would take apart, and restart only what is to run on', async () => {
    const text = await renderBackupService({ ...service, once: false });
    expect(text).toContain(`ExecStart="${process.execPath}" "/opt/etcd lab/main.ts" "backup" "run" "--keep" "100%%"\n`);
    expect(text).toContain('ReadWritePaths="/tmp/labs of mine" "/mnt/backups"\n');
    expect(text).toMatch(/^Restart=on-failure$/m);
    const once = await renderBackupService({ ...service, once: true });
    expect(once).toMatch(/^Type=oneshot$/m);
    expect(once).not.toMatch(/^(Restart|WantedBy)=/m);
  });

  test.skipIf(!canVerify).each([false, true])('are sound for systemd itself (once: %s)', async (once) => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'etcdlab-test-'));
    try {
      const files = [path.join(folder, backupUnitName('test'))];
      writeFileSync(files[0] as string, await renderBackupService({ ...service, once }));
      if (once) {
        files.push(path.join(folder, 'etcdlab-backup-test.timer'));
        writeFileSync(files[1] as string, await renderBackupTimer('test', 90_000));
      }
      const environment = { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:` };
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...files], { env: environment });
      // What it says of units of the machine is none of ours.
      const said = stderr
        .toString()
        .split('\n')
        .filter((line) => line.includes('etcdlab-backup'));
      expect({ status, said }).toEqual({ status: 0, said: [] });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
