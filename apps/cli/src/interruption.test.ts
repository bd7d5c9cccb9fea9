import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { start } from './testing/cli.js';

test.each([
  ['info', 'SIGINT', 130],
  ['bench', 'SIGTERM', 143],
  ['serve', 'SIGTERM', 0],
] as const)('%s that waits for a server which never answers ends at once on %s', async (command, signal, code) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const child = start([command, `nbd://127.0.0.1:${port}/`]);
  const ended = once(child, 'close');
  const endedEarly = ended.then(([early]) => {
    throw new Error(`${command} ended with ${early} before it connected`);
  });
  const [socket] = await Promise.race([once(server, 'connection'), endedEarly]);
  endedEarly.catch(() => {});
  child.kill(signal);
  expect((await ended)[0]).toBe(code);
  socket.destroy();
  server.close();
});
