/** Asks for passwords without showing them. What was typed ahead stays for whoever reads next. */
import { badArgs } from '../cli/exit-error.ts';
import type { CliIo } from '../cli/io.ts';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const endOfTransmission = 0x04;
const interrupt = 0x03;
const deletes = ['\u007f', '\b'];

const maxPasswordBytes = 64 * 1024;

/** The next line of standard input, not echoed on a terminal; empty when there is none. */
export async function askPassword(prompt: string, io: CliIo): Promise<string> {
  io.stdout.write(prompt);
  const isTerminal = io.stdin.isTTY === true && io.stdin.setRawMode !== undefined;
  // In raw mode the terminal echoes nothing, and leaves editing and Ctrl-C to us.
  if (isTerminal) io.stdin.setRawMode?.(true);
  try {
    const ends = isTerminal ? [lineFeed, carriageReturn, endOfTransmission] : [lineFeed];
    const { text, isWhole } = await readUntil(io.stdin, ends, isTerminal);
    if (isTerminal) return edited(text);
    return isWhole ? text.replace(/\r$/, '') : '';
  } finally {
    if (isTerminal) io.stdin.setRawMode?.(false);
    io.stdout.write('\n');
  }
}

/**
 * Asks for a new password twice.
 *
 * @throws ExitError (128) when it is empty, or typed differently
 */
export async function askNewPassword(username: string, io: CliIo): Promise<string> {
  const first = await askPassword(`Password of ${username}: `, io);
  if (first === '') throw badArgs('empty password');
  const second = await askPassword(`Type password of ${username} again for confirmation: `, io);
  if (first !== second) throw badArgs('given passwords are different');
  return first;
}

/** The first word of the next line, as `--interactive=false` wants it: a password in a script's pipe. */
export async function readPasswordWord(io: CliIo): Promise<string> {
  const { text } = await readUntil(io.stdin, [lineFeed], false);
  return /\S+/.exec(text)?.[0] ?? '';
}

/** A line as it was typed, with its corrections carried out. */
function edited(typed: string): string {
  let text = '';
  for (const character of typed) text = deletes.includes(character) ? text.slice(0, -1) : text + character;
  return text;
}

/**
 * Reads no further than it must, and stops reading then: an open terminal must not keep the process from ending.
 *
 * @returns what comes before the first byte of `ends`; not whole when the input ends before that
 */
function readUntil(
  stdin: CliIo['stdin'],
  ends: readonly number[],
  isTerminal: boolean,
): Promise<{ text: string; isWhole: boolean }> {
  if (stdin.readableEnded || stdin.destroyed) return Promise.resolve({ text: '', isWhole: false });
  return new Promise((resolve, reject) => {
    let read = Buffer.alloc(0);
    const settle = (act: () => void): void => {
      stdin.pause();
      stdin.off('data', onData).off('end', onEnd).off('error', onError);
      act();
    };
    const fail = (error: Error): void => settle(() => reject(error));
    const finish = (isWhole: boolean): void => settle(() => resolve({ text: read.toString(), isWhole }));
    const onData = (data: Uint8Array | string): void => {
      const chunk = Buffer.from(data as Uint8Array);
      if (isTerminal && chunk.includes(interrupt)) {
        fail(new Error('interrupted'));
        return;
      }
      const end = chunk.findIndex((byte) => ends.includes(byte));
      read = Buffer.concat([read, end < 0 ? chunk : chunk.subarray(0, end)]);
      if (end >= 0) {
        finish(true);
        // At once, or the stream would find its end first and take nothing back; and not before nobody listens.
        if (end + 1 < chunk.length) stdin.unshift(chunk.subarray(end + 1));
      }
      if (end < 0 && read.length > maxPasswordBytes)
        fail(new Error(`a password is longer than ${maxPasswordBytes} bytes`));
    };
    const onEnd = (): void => finish(false);
    const onError = (error: Error): void => fail(error);
    stdin.on('data', onData).on('end', onEnd).on('error', onError);
    stdin.resume();
  });
}
