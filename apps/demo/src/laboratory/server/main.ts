import { BlockError } from '@blockyard/block';
import type { AnswerMessage, CallMessage, ServerCalls } from './calls.js';
import { Server } from './server.js';

/** The process that serves the laboratory's volume: it does what it is called for over its IPC channel, and ends with that. */
const server: ServerCalls = new Server();

const answer = (message: AnswerMessage) => {
  if (process.connected) process.send?.(message);
};

async function handle({ id, name, argument }: CallMessage): Promise<void> {
  try {
    const call = server[name] as (argument: unknown) => Promise<unknown>;
    answer({ id, result: await call.call(server, argument) });
  } catch (error) {
    const { code, message } = BlockError.from(error, {});
    answer({ id, error: { code, message } });
  }
}

process.on('message', (message) => void handle(message as CallMessage));
// Without the one who calls there is nothing left to do.
process.on('disconnect', () => process.exit());
// A terminal's Ctrl-C reaches all of its processes. When this one is to end, that one says.
process.on('SIGINT', () => {});
