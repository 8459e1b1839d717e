import { describe, expect, it } from 'vitest';
import { parseInspection } from './systemd-service.ts';
import { quoteUnitWord, renderUnit } from './systemd-unit.ts';

const definition = {
  executable: '/opt/e/etcd',
  args: ['--config-file', '/etc/etcd/etcd.conf.yml'],
  revision: 'r1',
};

describe('the unit of a member', () => {
  it('runs the member as its user, says which definition it is, and can write to one folder only', async () => {
    const unit = await renderUnit(definition, 'etcd', '/var/lib/etcd');
    const lines = unit.split('\n');
    for (const line of [
      'Type=notify',
      'User=etcd',
      'Environment="ETCDLAB_REVISION=r1"',
      'ExecStart="/opt/e/etcd" "--config-file" "/etc/etcd/etcd.conf.yml"',
      'ProtectSystem=strict',
      'ReadWritePaths=/var/lib/etcd',
      'NoNewPrivileges=yes',
      'CapabilityBoundingSet=',
    ]) {
      expect(lines).toContain(line);
    }
    expect(unit).not.toContain('<%');
    expect(await renderUnit(definition, 'etcd', '/var/lib/etcd')).toBe(unit);
    expect(await renderUnit({ ...definition, revision: 'r2' }, 'etcd', '/var/lib/etcd')).not.toBe(unit);
  });

  it('takes words as they are: nothing in them is a specifier, a variable or the end of a line', () => {
    expect(quoteUnitWord('100% of $HOME \\ "x"')).toBe('"100%% of $$HOME \\\\ \\"x\\""');
    expect(() => quoteUnitWord('a\nExecStartPre=/bin/evil')).toThrow(TypeError);
  });
});

describe('what systemd says of a member', () => {
  const inspect = (...lines: string[]) => parseInspection(`LoadState=loaded\n${lines.join('\n')}\n`);

  it('is running once there is a process, also before the member is ready', () => {
    const alive = ['MainPID=7', 'Started=1000', 'Process=S', 'Revision=r1'];
    for (const state of ['ActiveState=active\nSubState=running', 'ActiveState=activating\nSubState=start']) {
      expect(inspect(state, ...alive)).toMatchObject({
        state: 'running',
        pid: 7,
        revision: 'r1',
        startedAt: new Date(1_000_000),
      });
    }
  });

  it('is frozen while the kernel says that it is stopped', () => {
    expect(inspect('ActiveState=active', 'SubState=running', 'MainPID=7', 'Process=T').state).toBe('frozen');
  });

  it('has exited when it failed, between two tries, and while nobody has collected it', () => {
    expect(inspect('ActiveState=failed', 'SubState=failed', 'MainPID=0', 'Started=5').state).toBe('exited');
    expect(inspect('ActiveState=activating', 'SubState=auto-restart', 'MainPID=0').state).toBe('exited');
    expect(inspect('ActiveState=active', 'SubState=running', 'MainPID=7', 'Process=Z').state).toBe('exited');
  });

  it('is stopped when nobody wants it to run, or there is no unit', () => {
    expect(inspect('ActiveState=inactive', 'SubState=dead', 'MainPID=0')).toMatchObject({
      state: 'stopped',
      isDefined: true,
    });
    expect(parseInspection('LoadState=not-found\nActiveState=inactive\n')).toMatchObject({
      state: 'stopped',
      isDefined: false,
    });
  });
});
