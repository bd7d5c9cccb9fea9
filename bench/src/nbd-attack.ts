/**
 * Misbehaves towards an NBD server, in a process of its own, until it is told to stop: says "ready" when all of it is under
 * way.
 */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { BenchClient, BLOCK_STATUS, OPTION_LIST, optionMessage, READ, requestHeader, WRITE } from './nbd-client.js';

const LONGEST = 32 * 2 ** 20;

const program = new Command('nbd-attack')
  .requiredOption('--socket <path>', 'Unix socket of the server')
  .requiredOption('--attack <name>', 'what to do')
  .requiredOption('--clients <n>', 'connections at once', Number);
program.parse();
const { socket: path, attack, clients } = program.opts<{ socket: string; attack: string; clients: number }>();

/** Keeps the socket full of the same message, and reads what comes back. */
async function flood(client: BenchClient, message: Buffer): Promise<void> {
  client.socket.removeAllListeners('data');
  client.socket.resume();
  const many = Buffer.concat(Array.from({ length: Math.ceil(65_536 / message.byteLength) }, () => message));
  while (!client.socket.destroyed) {
    if (!client.socket.write(many)) await Promise.race([once(client.socket, 'drain'), once(client.socket, 'close')]);
  }
}

/** Asks for 16 of the longest reads and takes nothing. */
async function deaf(): Promise<BenchClient> {
  const client = await BenchClient.open(path);
  client.socket.pause();
  for (let i = 0; i < 16; i++) client.socket.write(requestHeader(READ, 0, LONGEST));
  return client;
}

/** Each is one client's life, begun anew when the server ends it; `begun` is called when it does what it is here for. */
const ATTACKS: Readonly<Record<string, (begun: () => void) => Promise<void>>> = {
  async slow(begun) {
    const client = await BenchClient.open(path);
    client.socket.write(requestHeader(WRITE, 0, LONGEST));
    client.socket.write(Buffer.alloc(LONGEST / 2), begun);
    while (!client.socket.destroyed) {
      await delay(1000);
      client.socket.write(Buffer.alloc(1));
    }
  },
  async deaf(begun) {
    const client = await deaf();
    begun();
    // Nothing is read, so only a write shows that the server has hung up.
    while (!client.socket.destroyed) await delay(1000);
  },
  async hangup(begun) {
    const client = await deaf();
    begun();
    await delay(500);
    client.socket.destroy();
  },
  async handshake(begun) {
    const client = await BenchClient.connect(path);
    begun();
    await once(client.socket, 'close');
  },
  async options(begun) {
    const client = await BenchClient.connect(path);
    begun();
    await flood(client, optionMessage(OPTION_LIST, Buffer.alloc(0)));
  },
  async requests(begun) {
    const client = await BenchClient.open(path);
    begun();
    await flood(client, requestHeader(READ, 0, 512));
  },
  async statuses(begun) {
    const client = await BenchClient.open(path, { statuses: true });
    begun();
    await flood(client, requestHeader(BLOCK_STATUS, 0, 128 * 2 ** 20));
  },
  async reconnects(begun) {
    const client = await BenchClient.open(path);
    begun();
    client.socket.destroy();
    await delay(1);
  },
};

const run = ATTACKS[attack];
if (run === undefined) throw new Error(`there is no attack ${attack}`);
let waiting = clients;
const ready = () => {
  waiting--;
  if (waiting === 0) console.log('ready');
};
for (let i = 0; i < clients; i++) {
  let isFirst = true;
  const begun = () => {
    if (isFirst) ready();
    isFirst = false;
  };
  void (async () => {
    for (;;) {
      await run(begun).catch(() => delay(10));
    }
  })();
}
