/** What a command reads: sent no faster than the other side takes it. */
import type { ClientChannel } from 'ssh2';

export type ChannelInput = string | Uint8Array | AsyncIterable<Uint8Array> | undefined;

/** Sends the whole input and then its end; stops when the command has ended without reading it. */
export async function feed(channel: ClientChannel, input: ChannelInput): Promise<void> {
  if (input === undefined || typeof input === 'string' || input instanceof Uint8Array) {
    channel.end(input);
    return;
  }
  for await (const chunk of input) {
    if (channel.destroyed || channel.writableEnded) return;
    if (!channel.write(chunk)) await drained(channel);
  }
  channel.end();
}

/** Resolves also when the channel closes, which whoever waits for the command notices. */
function drained(channel: ClientChannel): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      channel.off('drain', done).off('close', done);
      resolve();
    };
    channel.on('drain', done).on('close', done);
  });
}
