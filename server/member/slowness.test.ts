import { expect, test } from 'vitest';
import { Logger, type LogRecord } from '../base/logger.ts';
import { Message, MessageType } from '../proto/gen/raft.ts';
import { LateHeartbeats, SlowApplies } from './slowness.ts';

const records: LogRecord[] = [];
const log = new Logger({ enabled: () => true, write: (record) => records.push(record) }, '');

test('a request that takes longer to apply than it should is said and counted', () => {
  const slow = new SlowApplies(100, log);
  slow.took(100, 6);
  expect(slow.count).toBe(0);
  slow.took(100.5, 7);
  expect(slow.count).toBe(1);
  expect(records.at(-1)).toMatchObject({
    msg: 'apply request took too long',
    fields: { took: '100.500ms', 'expected-duration': '100ms', 'log-index': 7 },
  });
});

test('a heartbeat that follows the last to the same member after more than two intervals is said and counted', () => {
  let nowMs = 0;
  const late = new LateHeartbeats(100, () => nowMs, log);
  const beat = (...to: bigint[]): void => {
    late.sent(to.map((each) => Message.create({ type: MessageType.MsgHeartbeat, to: each })));
  };
  beat(2n, 3n);
  nowMs = 200;
  beat(2n);
  expect(late.count).toBe(0);
  nowMs = 201;
  beat(2n, 3n);
  expect(late.count).toBe(1);
  expect(records.at(-1)).toMatchObject({ fields: { to: '3', 'exceeded-duration': '1.000ms' } });
  nowMs = 1000;
  late.sent([Message.create({ type: MessageType.MsgApp, to: 2n })]);
  late.reset();
  beat(2n, 3n);
  expect(late.count).toBe(1);
});
