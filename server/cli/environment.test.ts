import { expect, test } from 'vitest';
import { setFlagsFromEnvironment } from './environment.ts';
import { ExitError } from './exit-error.ts';
import { FlagSet, flag } from './flag-set.ts';
import { type MemoryIo, memoryIo } from './testing/memory-io.ts';

const definitions = [
  flag.string('write-out', 'simple', ''),
  flag.bool('hex', false, ''),
  flag.duration('dial-timeout', 2000, ''),
];

function apply(env: Record<string, string>, argv: string[] = []): { flags: FlagSet; io: MemoryIo } {
  const flags = new FlagSet(definitions);
  flags.parse(argv);
  const io = memoryIo('', env);
  setFlagsFromEnvironment('ETCDCTL', definitions, flags, io);
  return { flags, io };
}

test('a variable sets its flag, without a word', () => {
  const { flags, io } = apply({
    ETCDCTL_WRITE_OUT: 'json',
    ETCDCTL_HEX: 'true',
    ETCDCTL_DIAL_TIMEOUT: '1s',
    PATH: '/',
  });
  expect([flags.string('write-out'), flags.bool('hex'), flags.duration('dial-timeout')]).toEqual(['json', true, 1000]);
  expect(io.err()).toBe('');
});

test('an empty variable and one that cannot be read leave the default', () => {
  const { flags } = apply({ ETCDCTL_WRITE_OUT: '', ETCDCTL_HEX: 'maybe' });
  expect([flags.string('write-out'), flags.bool('hex')]).toEqual(['simple', false]);
});

test('an unknown variable is warned of', () => {
  const { io } = apply({ ETCDCTL_BOGUS: '1' });
  expect(JSON.parse(io.err())).toMatchObject({
    level: 'warn',
    msg: 'unrecognized environment variable',
    'environment-variable': 'ETCDCTL_BOGUS=1',
  });
});

test('ETCDCTL_API is no unknown variable', () => {
  expect(apply({ ETCDCTL_API: '3' }).io.err()).toBe('');
});

test('a flag that is given both ways is refused, naming the variable', () => {
  const io = memoryIo('', { ETCDCTL_WRITE_OUT: 'json' });
  const flags = new FlagSet(definitions);
  flags.parse(['--write-out=simple']);
  expect(() => setFlagsFromEnvironment('ETCDCTL', definitions, flags, io)).toThrow(ExitError);
  expect(JSON.parse(io.err())).toMatchObject({ level: 'fatal', 'environment-variable': 'ETCDCTL_WRITE_OUT' });
});
