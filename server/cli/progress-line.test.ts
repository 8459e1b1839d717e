import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { ProgressLine, progressBar } from './progress-line.ts';

function io(isTTY: boolean) {
  const written: string[] = [];
  const stderr = { isTTY, write: (chunk: string | Uint8Array) => written.push(String(chunk)) };
  return { written, io: { stdin: Readable.from([]), stdout: stderr, stderr, env: {} } };
}

test('a terminal sees one line that changes, not more often than it can be read, and goes away', () => {
  const { written, io: terminal } = io(true);
  const line = new ProgressLine(terminal);
  line.show(() => 'one');
  line.show(() => 'at once after');
  line.clear();
  line.clear();
  expect(written).toEqual(['\r\u001b[Kone', '\r\u001b[K']);
});

test('a pipe sees nothing', () => {
  const { written, io: pipe } = io(false);
  const line = new ProgressLine(pipe);
  line.show(() => 'one');
  line.clear();
  expect(written).toEqual([]);
});

test.for([
  [0, '[>         ]   0 %'],
  [0.5, '[=====>    ]  50 %'],
  [0.999, '[=========>]  99 %'],
  [1, '[==========] 100 %'],
  [7, '[==========] 100 %'],
  [-1, '[>         ]   0 %'],
] as const)('%d is %s', ([fraction, bar]) => {
  expect(progressBar(fraction, 10)).toBe(bar);
});
