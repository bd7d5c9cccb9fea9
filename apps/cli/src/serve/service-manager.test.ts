import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ManualClock, settled } from '@blockyard/block/testing';
import { describe, expect, test } from 'vitest';
import { makeFolder, serve } from '../testing/cli.js';
import { ServiceManager, type ServiceManagerOptions } from './service-manager.js';

const ENV = { NOTIFY_SOCKET: '/run/notify', WATCHDOG_USEC: '8000000', WATCHDOG_PID: String(process.pid) };

function start(options: Partial<ServiceManagerOptions> = {}) {
  const sent: string[][] = [];
  const lines: string[] = [];
  const clock = new ManualClock({ strict: true });
  const service = ServiceManager.of({
    env: ENV,
    isSuccessor: false,
    log: (line) => lines.push(line),
    send: async (assignments) => void sent.push([...assignments]),
    clock,
    ...options,
  });
  if (service === undefined) throw new Error('there is a socket to tell it');
  return { service, sent, lines, clock };
}

const EXTEND = 'EXTEND_TIMEOUT_USEC=30000000';

test('without a socket there is nothing to tell', () => {
  for (const env of [{}, { NOTIFY_SOCKET: '' }]) {
    expect(ServiceManager.of({ env, isSuccessor: false, log: () => {} })).toBeUndefined();
  }
});

test('it is told of the beginning, of readiness and of the end, and asked for time while these take it', async () => {
  const { service, sent, clock } = start({ env: { NOTIFY_SOCKET: '/run/notify' } });
  service.opening();
  await settled();
  expect(sent.splice(0)).toEqual([[EXTEND, 'STATUS=opening the device']]);
  clock.advance(5000);
  await settled();
  expect(sent.splice(0)).toEqual([[EXTEND]]);
  let status = 'serving; 1\nclient';
  service.ready(() => status);
  await settled();
  const [[ready, text] = []] = sent.splice(0);
  expect(ready).toBe('READY=1');
  expect(text).toMatch(/^STATUS=serving; 1.+client$/);
  clock.advance(20_000);
  await settled();
  expect(sent).toEqual([]);
  status = 'serving; 2 clients';
  clock.advance(5000);
  await settled();
  expect(sent.splice(0)).toEqual([['STATUS=serving; 2 clients']]);
  status = 'stopping; 3 MiB left';
  service.stopping();
  await settled();
  expect(sent.splice(0)).toEqual([['STOPPING=1', EXTEND, 'STATUS=stopping; 3 MiB left']]);
  clock.advance(5000);
  await settled();
  expect(sent.splice(0)).toEqual([[EXTEND]]);
  await service.end();
  expect(clock.timers).toEqual([]);
});

test('the watchdog is fed twice in its time, by the process that it is for, or its successor', async () => {
  const fed = async (env: Readonly<Record<string, string>>, isSuccessor = false) => {
    const { service, sent, clock } = start({ env, isSuccessor });
    service.opening();
    for (let step = 0; step < 16; step++) {
      clock.advance(1000);
      await settled();
    }
    await service.end();
    return sent.flat().filter((each) => each === 'WATCHDOG=1').length;
  };
  expect(await fed(ENV)).toBe(4);
  expect(await fed({ ...ENV, WATCHDOG_PID: '1' })).toBe(0);
  expect(await fed({ ...ENV, WATCHDOG_PID: '1' }, true)).toBe(4);
  expect(await fed({ NOTIFY_SOCKET: '/run/notify' })).toBe(0);
});

test('one message is on its way at a time, and the last word counts of what is told meanwhile', async () => {
  const sent: (readonly string[])[] = [];
  const taken: (() => void)[] = [];
  const { service, clock } = start({
    env: { NOTIFY_SOCKET: '/run/notify' },
    send: (assignments) => {
      sent.push(assignments);
      return new Promise<void>((resolve) => taken.push(resolve));
    },
  });
  let client = 0;
  service.ready(() => `client ${client}`);
  service.opening();
  await settled();
  for (client = 1; client < 5; client++) clock.advance(5000);
  await settled();
  expect(sent).toHaveLength(1);
  taken.shift()?.();
  await settled();
  expect(sent[1]).toEqual([EXTEND, 'STATUS=client 4']);
  const ended = service.end();
  taken.shift()?.();
  await ended;
});

test('a service manager that cannot be told is told of once, and is no reason to fail', async () => {
  const busy = new Error('Failed to notify: Resource temporarily unavailable');
  let asked = 0;
  const { service, lines, clock } = start({
    send: async () => {
      if (++asked !== 3) throw busy;
    },
  });
  service.opening();
  for (let step = 0; step < 5; step++) {
    clock.advance(5000);
    await settled();
  }
  const line = `the service manager was not told: ${JSON.stringify(busy.message)}`;
  expect([asked >= 5, lines]).toEqual([true, [line, line]]);
  await service.end();
});

test('without systemd-notify it is told of once, and not tried again', async () => {
  const gone = Object.assign(new Error('spawn systemd-notify ENOENT'), { code: 'ENOENT' });
  let asked = 0;
  const { service, lines, clock } = start({
    send: () => {
      asked++;
      return Promise.reject(gone);
    },
  });
  service.opening();
  await settled();
  clock.advance(60_000);
  service.ready(() => 'serving');
  await settled();
  expect([asked, lines]).toEqual([1, ['the service manager was not told: "spawn systemd-notify ENOENT"']]);
  await service.end();
});

/** A socket as systemd has it, which prints each message as a line. */
const RECEIVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('listening', flush=True)
while True:
    print(s.recv(65536).decode().replace('\\n', '|'), flush=True)
`;

function isThere(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!isThere('systemd-notify') || !isThere('python3'))('systemd-notify', () => {
  test('brings to the socket what a server tells of its beginning and its end', async () => {
    const folder = await makeFolder();
    const path = join(folder.path, 'notify');
    const receiver = spawn('python3', ['-c', RECEIVER, path]);
    try {
      const lines = createInterface(receiver.stdout)[Symbol.asyncIterator]();
      const until = async (wanted: string) => {
        for (;;) {
          const { value, done } = await lines.next();
          if (done === true || String(value).split('|').includes(wanted)) return value as string;
        }
      };
      await until('listening');
      const args = ['memory:?size=1M', '--nbd', `unix:${join(folder.path, 'nbd.sock')}`];
      const { child, ended, stderr } = await serve(args, { env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: '200000' } });
      expect(await until('READY=1')).toContain('STATUS=serving; safe to stop; 0 clients');
      await until('WATCHDOG=1');
      child.kill('SIGTERM');
      expect(await until('STOPPING=1')).toContain('EXTEND_TIMEOUT_USEC=');
      expect(await ended).toBe(0);
      expect(stderr()).not.toContain('service manager');
    } finally {
      receiver.kill();
      await once(receiver, 'close');
      await folder.remove();
    }
  });
});
