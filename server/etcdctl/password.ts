/** Asks for a password without showing it. */
import { type CliIo, LineReader } from '../cli/io.ts';

const endOfTransmission = '\u0004';
const interrupt = '\u0003';
const deletes = ['\u007f', '\b'];

/** The next line of standard input, not echoed on a terminal; empty at its end. */
export async function askPassword(prompt: string, io: CliIo): Promise<string> {
  io.stdout.write(prompt);
  if (io.stdin.isTTY === true && io.stdin.setRawMode !== undefined) return askTerminal(io);
  const lines = new LineReader(io.stdin);
  const line = await lines.next();
  io.stdout.write('\n');
  return line?.replace(/\r$/, '') ?? '';
}

/** In raw mode the terminal echoes nothing, and leaves editing and Ctrl-C to us. */
async function askTerminal(io: CliIo): Promise<string> {
  io.stdin.setRawMode?.(true);
  let password = '';
  try {
    for await (const chunk of io.stdin) {
      for (const character of String(chunk)) {
        if (character === '\r' || character === '\n' || character === endOfTransmission) return password;
        if (character === interrupt) throw new Error('interrupted');
        password = deletes.includes(character) ? password.slice(0, -1) : password + character;
      }
    }
    return password;
  } finally {
    io.stdin.setRawMode?.(false);
    io.stdout.write('\n');
  }
}
