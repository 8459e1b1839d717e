import { EventEmitter } from 'node:events';
import type { SFTPWrapper } from 'ssh2';
import { describe, expect, test } from 'vitest';
import { SftpSession, SftpStatus } from './sftp-session.ts';

type Answer = (error?: Error) => void;
const status = (code: number) => Object.assign(new Error(`status ${code}`), { code });
/** As ssh2 says it, when the server has not offered an extension. */
const unsupported = () => {
  throw new Error('Server does not support this extended request');
};

/** A server that has the named files and none of OpenSSH's extensions. */
function plainServer(...names: string[]) {
  const files = new Set(names);
  const sftp = Object.assign(new EventEmitter(), {
    ext_openssh_rename: unsupported,
    ext_openssh_fsync: unsupported,
    ext_openssh_statvfs: unsupported,
    unlink: (name: string, answer: Answer) => answer(files.delete(name) ? undefined : status(SftpStatus.noSuchFile)),
    rename: (from: string, to: string, answer: Answer) => {
      if (files.has(to) || !files.delete(from)) return answer(status(SftpStatus.failure));
      files.add(to);
      answer();
    },
    stat: () => undefined,
    end: () => undefined,
  });
  return { files, sftp, session: new SftpSession(sftp as unknown as SFTPWrapper) };
}

describe('a server without extensions', () => {
  test.each([
    ['new', ['new.part']],
    ['old', ['new.part', 'a.json']],
  ])('replaces a %s file in two steps', async (_, names) => {
    const { session, files } = plainServer(...names);
    await session.replace('new.part', 'a.json');
    expect([...files]).toEqual(['a.json']);
  });

  test('says so when the first of them fails, and touches nothing then', async () => {
    const { session, sftp, files } = plainServer('new.part', 'a.json');
    sftp.unlink = (_, answer) => answer(status(SftpStatus.permissionDenied));
    await expect(session.replace('new.part', 'a.json')).rejects.toMatchObject({ code: SftpStatus.permissionDenied });
    expect([...files]).toEqual(['new.part', 'a.json']);
  });

  test('cannot make a file durable, nor tell its room, and works all the same', async () => {
    const { session } = plainServer();
    await session.sync(Buffer.alloc(4));
    expect(await session.freeBytes('/')).toBeUndefined();
  });
});

test('whoever waits for an answer learns that the connection is lost, and nobody waits after that', async () => {
  const { session, sftp } = plainServer();
  const waiting = session.stat('/a');
  sftp.emit('close');
  await expect(waiting).rejects.toThrow('the connection was lost');
  expect(session.isOver).toBe(true);
  await expect(session.stat('/a')).rejects.toThrow('the connection was lost');
});
