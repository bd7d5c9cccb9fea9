import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connectFile } from '@blockyard/backend-file';
import { type BlockDevice, BlockError, isBlockError } from '@blockyard/block';
import { ManualClock } from '@blockyard/block/testing';
import { connectCache } from '@blockyard/cache';
import { afterEach, describe, test } from 'vitest';
import { connectNbd } from '../client/connect.js';
import * as pem from '../testing/certificates.js';
import { contextData, infoData, RawClient } from '../testing/raw-client.js';
import { MIB, pattern, until } from '../testing/serve.js';
import { type SuccessorOptions, startSuccessor } from '../testing/successors.js';
import { ByteWriter } from '../wire/bytes.js';
import {
  CONTEXT_INSTANCE,
  Command,
  CommandFlag,
  Errno,
  IHAVEOPT,
  Option,
  OptionReply,
  REQUEST_MAGIC,
} from '../wire/protocol.js';
import type { ServerEvent } from './events.js';
import type { HandOverOptions } from './hand-over/options.js';
import type { NbdServer } from './nbd-server.js';
import type { ServeOptions } from './options.js';
import { serveNbd } from './server.js';

const { READ, WRITE } = Command;

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

interface Scene {
  readonly server: NbdServer;
  readonly path: string;
  readonly events: readonly ServerEvent[];
  /** How often the device was opened again. */
  readonly reopened: () => number;
  start(options?: Partial<SuccessorOptions>): Successor;
  handOver(successor: Successor, options?: Partial<HandOverOptions>): ReturnType<NbdServer['handOver']>;
  open(...args: Parameters<RawClient['go']>): Promise<RawClient>;
  connect(): Promise<RawClient>;
}

interface Successor {
  readonly child: ChildProcess;
  readonly lines: readonly string[];
}

/** A server of a file of 64 MiB, over a Unix socket. */
async function scene(
  options: Partial<ServeOptions> = {},
  wrap: (file: BlockDevice) => BlockDevice | Promise<BlockDevice> = (file) => file,
): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'nbd-'));
  endings.push(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'disk.img');
  await writeFile(path, '');
  await truncate(path, 64 * MIB);
  const events: ServerEvent[] = [];
  const server = await serveNbd({
    exports: { disk: await wrap(await connectFile({ path })) },
    listen: { path: join(folder, 'socket') },
    ownsDevices: true,
    onEvent: (event) => events.push(event),
    ...options,
  });
  endings.push(() => server.stop({ force: true }));
  let reopened = 0;
  const reopen = async () => {
    reopened++;
    return wrap(await connectFile({ path }));
  };
  const track = (client: RawClient) => {
    endings.push(() => client.close());
    return client;
  };
  return {
    server,
    path,
    events,
    reopened: () => reopened,
    start(more = {}) {
      const child = startSuccessor(server, { path, ...more });
      const lines: string[] = [];
      if (child.stdout !== null) createInterface(child.stdout).on('line', (line) => lines.push(line));
      endings.push(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGKILL');
        await once(child, 'exit');
      });
      return { child, lines };
    },
    handOver: ({ child }, more = {}) => server.handOver({ successor: child, reopen, ...more }),
    open: async (go) => track(await RawClient.open(server.address, go)),
    connect: async () => track(await RawClient.connect(server.address)),
  };
}

const rejectsWith = (code: string) => (error: unknown) => isBlockError(error) && error.code === code;

/** The device, with another method in the place of its own. */
function withMethod(
  device: BlockDevice,
  method: keyof BlockDevice,
  call: (...args: unknown[]) => Promise<void>,
): BlockDevice {
  const get = (_: BlockDevice, name: string | symbol) => {
    if (name === method) return call;
    const value: unknown = Reflect.get(device, name, device);
    return typeof value === 'function' ? value.bind(device) : value;
  };
  return new Proxy<BlockDevice>(device, { get });
}

/** A device whose `method` waits for `open`, from the time on that it is closed. */
function gated(device: BlockDevice, method: 'write' | 'disconnect') {
  let opened = Promise.resolve();
  let open = () => {};
  let waiting = 0;
  const call = async (...args: unknown[]) => {
    waiting++;
    await opened;
    waiting--;
    return Reflect.apply(device[method], device, args);
  };
  return {
    device: withMethod(device, method, call),
    close() {
      opened = new Promise((resolve) => {
        open = resolve;
      });
    },
    open: () => open(),
    waiting: () => waiting,
  };
}

type Gate = ReturnType<typeof gated>;

/** A scene whose first device has a gate. */
async function gatedScene(method: 'write' | 'disconnect'): Promise<Scene & { readonly gate: Gate }> {
  let gate: Gate | undefined;
  const made = await scene({}, (file) => {
    if (gate !== undefined) return file;
    gate = gated(file, method);
    return gate.device;
  });
  if (gate === undefined) throw new Error('a scene opens a device');
  return { ...made, gate };
}

/** What a client is told that comes back: the same while nothing that it wrote is lost. */
async function instanceOf(connect: Scene['connect']): Promise<string | undefined> {
  const client = await connect();
  await client.greet();
  await client.option(Option.STRUCTURED_REPLY);
  const replies = await client.option(Option.LIST_META_CONTEXT, contextData('disk', [CONTEXT_INSTANCE]));
  return replies[0]?.data.toString('utf8', 4);
}

const flagsOf = (mode: string) => (mode === 'extended' ? CommandFlag.PAYLOAD_LEN : 0);

async function checkServed(client: RawClient, seed: number): Promise<void> {
  const payload = pattern(4096, seed);
  assert.equal(await client.request({ command: WRITE, offset: 8192, payload, flags: flagsOf(client.mode) }), 0);
  assert.deepEqual(await client.readData(8192, 4096), payload);
}

describe('a hand-over', () => {
  test.each(['simple', 'structured', 'extended'] as const)(
    'leaves clients with %s replies their connection, and what they wrote and did not flush',
    async (mode) => {
      const { server, start, handOver, open, events } = await scene({}, (file) => connectCache(file));
      const client = await open({ mode });
      const written = { command: WRITE, flags: flagsOf(mode), offset: 512, payload: pattern(4096) };
      assert.equal(await client.request(written), 0);
      const successor = start();
      await handOver(successor);
      await server.stop();
      assert.deepEqual(await client.readData(512, 4096), pattern(4096));
      await checkServed(client, 2);
      await until(() => successor.lines.includes('serving'));
      const adoptedAt = successor.lines.indexOf('adopted');
      assert.deepEqual([...new Set(successor.lines.slice(0, adoptedAt))], ['caught up']);
      assert.equal(successor.lines[adoptedAt + 1], 'opened');
      assert.ok(events.some(({ type }) => type === 'handedOver'));
      assert.ok(!events.some(({ type }) => type === 'closed'));
    },
  );

  test('leaves the socket its name, which the successor removes at its end', async () => {
    const { server, start, handOver, connect } = await scene();
    const address = server.address as { path: string };
    const { child } = start();
    await handOver({ child, lines: [] });
    await server.stop();
    assert.ok(existsSync(address.path));
    const client = await connect();
    await client.greet();
    await client.go({});
    await checkServed(client, 1);
    client.close();
    child.stdin?.end();
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    assert.ok(!existsSync(address.path));
  });

  test('is one of a TCP port, too', async () => {
    const { server, start, handOver, open } = await scene({ listen: { port: 0 } });
    const [before] = [await open({})];
    await handOver(start());
    await server.stop();
    await checkServed(before, 1);
    await checkServed(await open({}), 2);
  });

  test('waits for what is in flight, which this server answers', async () => {
    const { server, start, handOver, open, gate } = await gatedScene('write');
    const client = await open({ mode: 'simple' });
    gate.close();
    client.sendRequest({ command: WRITE, cookie: 7, payload: pattern(512) });
    await until(() => gate.waiting() === 1);
    const handed = handOver(start());
    client.sendRequest({ command: READ, cookie: 8, length: 512 });
    gate.open();
    await handed;
    assert.deepEqual(await client.readReply(), { ...DONE, cookie: 7 });
    await server.stop();
    assert.deepEqual((await client.readReply(512)).payload, pattern(512));
    await checkServed(client, 3);
  });

  test('keeps clients that come meanwhile', async () => {
    const { server, start, handOver, connect, gate } = await gatedScene('disconnect');
    gate.close();
    const handed = handOver(start());
    await until(() => gate.waiting() === 1);
    const client = await connect();
    await nextIterations();
    assert.equal(client.unreadBytes, 0);
    gate.open();
    await handed;
    await server.stop();
    await client.greet();
    await client.go({});
    await checkServed(client, 1);
  });

  test('keeps what a client has sent of a request: a part of its header, or of its payload', async () => {
    const { server, start, handOver, open } = await scene();
    const [header, payload] = [await open({}), await open({})];
    const [first, second] = [requestBytes(1, 0, pattern(4096, 1)), requestBytes(2, 4096, pattern(100_000, 2))];
    header.send(first.subarray(0, 10));
    payload.send(second.subarray(0, 50_000));
    await until(() => server.stats().requests.write === 1);
    await nextIterations();
    await handOver(start());
    await server.stop();
    header.send(first.subarray(10));
    payload.send(second.subarray(50_000));
    assert.equal((await header.readReply()).errno, 0);
    assert.equal((await payload.readReply()).errno, 0);
    assert.deepEqual(await header.readData(0, 104_096), Buffer.concat([pattern(4096, 1), pattern(100_000, 2)]));
  });

  test('keeps in step with a client that is sending what was refused', async () => {
    const { server, start, handOver, open } = await scene();
    const client = await open({});
    const refused = requestBytes(5, 64 * MIB, pattern(100_000));
    client.send(refused.subarray(0, 60_000));
    assert.equal((await client.readReply()).errno, Errno.ENOSPC);
    await handOver(start());
    await server.stop();
    client.send(refused.subarray(60_000));
    await checkServed(client, 1);
  });

  test('keeps what was agreed on with a client that has not chosen its export, and what it has sent of an option', async () => {
    const { server, start, handOver, connect } = await scene();
    const client = await connect();
    await client.greet();
    await client.option(Option.STRUCTURED_REPLY);
    client.mode = 'structured';
    const [selected] = await client.option(Option.SET_META_CONTEXT, contextData('disk', ['base:allocation']));
    client.contextIds['base:allocation'] = selected?.data.readUInt32BE(0) ?? -1;
    const go = optionBytes(Option.GO, infoData('disk', []));
    client.send(go.subarray(0, 20));
    await nextIterations();
    await handOver(start());
    await server.stop();
    client.send(go.subarray(20));
    for (;;) if ((await client.readOptionReply()).type === OptionReply.ACK) break;
    assert.deepEqual(await client.blockStatus('base:allocation', 0, 65_536), [[65_536, 3]]);
    await checkServed(client, 1);
  });

  test('moves a client that is slow to take its replies when it has them, and keeps no other waiting', async () => {
    const { server, start, handOver, open } = await scene();
    const [slow, other] = [await open({ mode: 'simple' }), await open({})];
    await checkServed(other, 1);
    slow.socket.pause();
    for (let cookie = 0; cookie < 16; cookie++) slow.sendRequest({ command: READ, cookie, length: MIB });
    await until(() => server.stats().requests.read === 17);
    await nextIterations();
    await handOver(start());
    await checkServed(other, 2);
    slow.sendRequest({ command: READ, cookie: 16, offset: 8192, length: 4096 });
    slow.socket.resume();
    for (let replies = 0; replies < 16; replies++) assert.equal((await slow.readReply(MIB)).errno, 0);
    assert.deepEqual((await slow.readReply(4096)).payload, pattern(4096, 2));
    await server.stop();
    await checkServed(slow, 3);
  });

  test('cuts off a client that takes nothing of its replies for too long', async () => {
    const clock = new ManualClock();
    const { server, start, handOver, open, events } = await scene({ clock });
    const slow = await open({ mode: 'simple' });
    slow.socket.pause();
    for (let cookie = 0; cookie < 16; cookie++) slow.sendRequest({ command: READ, cookie, length: MIB });
    await until(() => server.stats().requests.read === 16);
    await nextIterations();
    await handOver(start(), { slowClientTimeoutMs: 5000 });
    clock.advance(5000);
    await server.stop();
    assert.match(closings(events)[0] ?? '', /slow/);
  });

  test('passes on what clients with TLS say, as long as they stay', async () => {
    const tls = { mode: 'optional', cert: pem.SERVER_CERT, key: pem.SERVER_KEY } as const;
    const { server, start, handOver } = await scene({ tls });
    const uri = (server.uris.disk ?? '').replace('nbd+', 'nbds+');
    const device = await connectNbd(uri, {
      connections: 1,
      maxOutageMs: 0,
      tls: { ca: pem.CA, hostname: 'localhost' },
    });
    await device.write(0, [pattern(4096, 1)]);
    await handOver(start());
    const read = new Uint8Array(4096);
    await device.read(0, [read]);
    assert.deepEqual(Buffer.from(read), pattern(4096, 1));
    await device.write(8, [pattern(MIB, 2)]);
    await device.flush();
    let isOver = false;
    const stopped = server.stop().then(() => {
      isOver = true;
    });
    await nextIterations();
    assert.equal(isOver, false);
    await device.disconnect();
    await stopped;
  });

  test('tells clients that come back that nothing was lost', async () => {
    const { server, start, handOver, connect } = await scene();
    const before = await instanceOf(connect);
    await assert.rejects(handOver(start({ dieAt: 'opened' })));
    assert.equal(await instanceOf(connect), before);
    await handOver(start());
    await server.stop();
    assert.equal(await instanceOf(connect), before);
  });

  test('tells them that something may be, where the successor had served when it was ended', async () => {
    const clock = new ManualClock();
    const { start, handOver, open, connect } = await scene({ clock });
    const client = await open({});
    const before = await instanceOf(connect);
    const { child } = start();
    const send = child.send.bind(child) as (...args: unknown[]) => boolean;
    const kill = child.kill.bind(child);
    // The time is over when it is told to go on, and it is ended when it has said that it has the clients.
    let goOn = () => {};
    child.send = (...args: unknown[]) => {
      if ((args[0] as { type: string }).type !== 'go') return send(...args);
      goOn = () => send(...args);
      clock.advance(10_000);
      return true;
    };
    child.kill = () => {
      child.on('message', ({ type }: { type: string }) => type === 'taken' && kill('SIGKILL'));
      goOn();
      return true;
    };
    await assert.rejects(handOver({ child, lines: [] }), rejectsWith('TIMEOUT'));
    await client.closed;
    assert.notEqual(await instanceOf(connect), before);
  });

  test('leaves this server where it was when the successor dies before it serves: its clients come back, and nothing flushed is lost', async () => {
    const { server, start, handOver, open, connect, reopened } = await scene({}, (file) => connectCache(file));
    const [client, slow] = [await open({}), await open({ mode: 'simple' })];
    await checkServed(client, 1);
    slow.socket.pause();
    for (let cookie = 0; cookie < 16; cookie++) slow.sendRequest({ command: READ, cookie, length: MIB });
    await until(() => server.stats().requests.read === 17);
    await nextIterations();
    const before = await instanceOf(connect);
    await assert.rejects(handOver(start({ dieAt: 'serving' })), rejectsWith('UNAVAILABLE'));
    assert.equal(reopened(), 1);
    await client.closed;
    // It was not moved, and has lost nothing.
    slow.socket.resume();
    for (let replies = 0; replies < 16; replies++) assert.equal((await slow.readReply(MIB)).errno, 0);
    assert.deepEqual(await slow.readData(8192, 4096), pattern(4096, 1));
    const back = await open({});
    assert.deepEqual(await back.readData(8192, 4096), pattern(4096, 1));
    assert.notEqual(await instanceOf(connect), before);
    await handOver(start());
    await server.stop();
    await checkServed(slow, 2);
    await checkServed(back, 3);
  });

  test('is over once the successor serves: if it dies then, this server ends all the same', async () => {
    const { server, start, handOver, open, reopened } = await scene();
    const client = await open({});
    const { child } = start({ dieAt: 'end' });
    const exited = once(child, 'exit');
    await handOver({ child, lines: [] });
    await server.stop();
    await client.closed;
    await exited;
    assert.equal(reopened(), 0);
    await assert.rejects(RawClient.connect(server.address));
  });

  test.each([
    ['taken', 'has the clients'],
    ['serving', 'serves'],
  ])('is not given up where the time is over before "%s" is read: the successor %s', async (type) => {
    const clock = new ManualClock();
    const { server, start, handOver, open, reopened } = await scene({ clock });
    const client = await open({});
    const { child } = start();
    child.prependListener('message', (message: { type: string }) => {
      if (message.type === type) clock.advance(10_000);
    });
    await handOver({ child, lines: [] });
    await server.stop();
    await checkServed(client, 1);
    assert.equal(reopened(), 0);
  });

  /** How often it has said that it caught up. */
  function caughtUpBy({ child }: { readonly child: ChildProcess }, onCaughtUp = () => {}): () => number {
    let times = 0;
    child.prependListener('message', ({ type }: { type: string }) => {
      if (type !== 'caughtUp') return;
      times++;
      onCaughtUp();
    });
    return () => times;
  }

  test('lets the successor catch up before this server prepares, meanwhile, and when it has, before a client waits', async () => {
    const clock = new ManualClock();
    const { server, start, handOver, open } = await scene({ clock });
    const client = await open({});
    const successor = start();
    const caughtUp = caughtUpBy(successor);
    const atPrepare: number[] = [];
    let atPause = 0;
    await handOver(successor, {
      prepare: async () => {
        atPrepare.push(caughtUp());
        await new Promise((resolve) => setImmediate(resolve));
        clock.advance(250);
        await until(() => caughtUp() === 2 * atPrepare.length);
        await checkServed(client, atPrepare.length);
      },
      onStep: (step) => {
        if (step === 'pausing') atPause = caughtUp();
      },
    });
    await server.stop();
    assert.deepEqual([atPrepare, atPause, caughtUp()], [[1, 3], 5, 6]);
    await checkServed(client, 3);
  });

  test.each([
    { what: 'once, where that and the catching up are quick', prepareMs: 100, catchUpMs: 100, times: 1 },
    { what: 'twice, where it is slow alone', prepareMs: 101, catchUpMs: 100, times: 2 },
    { what: 'three times, where the catching up is slow', prepareMs: 0, catchUpMs: 101, times: 3 },
  ])('lets this server prepare $what', async ({ prepareMs, catchUpMs, times }) => {
    const clock = new ManualClock();
    const { server, start, handOver } = await scene({ clock });
    const successor = start();
    caughtUpBy(successor, () => clock.advance(catchUpMs));
    let prepared = 0;
    const prepare = async () => {
      prepared++;
      clock.advance(prepareMs);
    };
    await handOver(successor, { prepare });
    await server.stop();
    assert.equal(prepared, times);
  });

  test('lets it catch up once more while the devices are disconnected', async () => {
    const { server, start, handOver, open, gate } = await gatedScene('disconnect');
    const client = await open({});
    gate.close();
    const successor = start();
    const caughtUp = caughtUpBy(successor);
    let atPause = 0;
    const onStep = (step: string) => {
      if (step === 'pausing') atPause = caughtUp();
    };
    const handedOver = handOver(successor, { onStep });
    await until(() => gate.waiting() === 1);
    await until(() => caughtUp() === atPause + 1);
    assert.equal(gate.waiting(), 1);
    gate.open();
    await handedOver;
    await server.stop();
    await checkServed(client, 1);
  });

  test('tells each step, whether it is under way, and how often it has failed', async () => {
    const { server, start, handOver } = await scene();
    const seen: [string, boolean][] = [];
    const onStep = (step: string) => seen.push([step, server.stats().handOvers.isUnderWay]);
    await handOver(start(), { onStep, dryRun: true });
    await assert.rejects(handOver(start({ unprepared: 'no' }), { onStep, dryRun: true }));
    assert.deepEqual([seen.splice(0, 2), server.stats().handOvers.failed], [Array(2).fill(['starting', false]), 0]);
    await assert.rejects(handOver(start({ dieAt: 'opened' }), { onStep }));
    assert.deepEqual(
      seen,
      ['starting', 'preparing', 'pausing', 'opening'].map((step) => [step, true]),
    );
    seen.splice(0);
    await assert.rejects(handOver(start({ dieAt: 'serving' }), { onStep }));
    assert.deepEqual(
      seen,
      ['starting', 'preparing', 'pausing', 'opening', 'confirming'].map((step) => [step, true]),
    );
    assert.deepEqual(server.stats().handOvers, { isUnderWay: false, failed: 2 });
  });

  test('only tried out, ends the successor and changes nothing', async () => {
    const { server, start, handOver, open, reopened, events } = await scene();
    const client = await open({});
    const { child } = start();
    const exited = once(child, 'exit');
    await handOver({ child, lines: [] }, { dryRun: true });
    assert.deepEqual(await exited, [7, null]);
    await checkServed(client, 1);
    assert.equal(reopened(), 0);
    assert.ok(!events.some(({ type }) => type === 'handedOver'));
    await handOver(start());
    await server.stop();
    await checkServed(client, 2);
  });
});

describe('a successor that fails leaves clients where they are', () => {
  test.each(['ready', 'begin', 'catchUp', 'caughtUp', 'release', 'client', 'open', 'opened', 'go', 'taken'])(
    'dead at "%s"',
    async (dieAt) => {
      const { server, start, handOver, open, connect } = await scene({}, (file) => connectCache(file));
      const [first, second, half] = [await open({ mode: 'simple' }), await open({ mode: 'extended' }), await open({})];
      await checkServed(first, 1);
      const request = requestBytes(3, 0, pattern(100_000, 3));
      half.send(request.subarray(0, 40_000));
      await until(() => server.stats().requests.write === 2);
      const { child } = start({ dieAt });
      const exited = once(child, 'exit');
      const handed = handOver({ child, lines: [] });
      const coming = connect();
      second.sendRequest({ command: READ, cookie: 9, offset: 8192, length: 512 });
      await assert.rejects(handed, rejectsWith('UNAVAILABLE'));
      assert.deepEqual(await exited, [null, 'SIGKILL']);
      assert.equal((await second.readReply()).cookie, 9);
      await checkServed(first, 4);
      await checkServed(second, 5);
      half.send(request.subarray(40_000));
      assert.equal((await half.readReply()).errno, 0);
      assert.deepEqual(await half.readData(0, 4096), pattern(4096, 3));
      const came = await coming;
      await came.greet();
      await came.go({});
      await checkServed(came, 6);
      await handOver(start());
      await server.stop();
      for (const [index, client] of [first, second, half, came].entries()) await checkServed(client, 10 + index);
    },
  );

  test('a program that cannot be started', async () => {
    const { server, open } = await scene();
    const client = await open({});
    const child = spawn('/nonexistent', { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    const reopen = () => Promise.reject(new Error('it was never disconnected'));
    await assert.rejects(server.handOver({ successor: child, reopen }), rejectsWith('UNAVAILABLE'));
    await checkServed(client, 1);
  });

  test.each([
    ['ready', 'readyTimeoutMs', 0],
    ['caughtUp', 'readyTimeoutMs', 0],
    ['opened', 'pauseTimeoutMs', 1],
    ['taken', 'pauseTimeoutMs', 1],
  ])('hanging at "%s", for longer than %s', async (hangAt, option, reopenings) => {
    const { start, handOver, open, reopened } = await scene();
    const client = await open({});
    await assert.rejects(handOver(start({ hangAt }), { [option]: 1500 }), rejectsWith('TIMEOUT'));
    assert.equal(reopened(), reopenings);
    await checkServed(client, 1);
  });

  test('hanging when it has them, for too long: then they come back', async () => {
    const { start, handOver, open, reopened } = await scene();
    const client = await open({});
    await assert.rejects(
      handOver(start({ hangAt: 'serving' }), { pauseTimeoutMs: 1500 }),
      (error) => rejectsWith('TIMEOUT')(error) && /the first of the serving took more than 1500 ms/.test(String(error)),
    );
    assert.equal(reopened(), 1);
    await client.closed;
    await checkServed(await open({}), 1);
  });

  test.each([
    ['read-only', { readOnly: true }, /read-only, and clients were told otherwise/],
    ['of another size', { path: 'other.img' }, /has 1048576 bytes, and clients were told 67108864/],
  ])('an export that is %s', async (_, options, message) => {
    const { start, handOver, open, path } = await scene();
    const client = await open({});
    const other = join(path, '..', 'other.img');
    await writeFile(other, new Uint8Array(MIB));
    const more = 'path' in options ? { path: other } : options;
    await assert.rejects(
      handOver(start(more)),
      (error) => rejectsWith('UNSUPPORTED')(error) && message.test(String(error)),
    );
    await checkServed(client, 1);
  });

  test('a meta context that is no longer there', async () => {
    const { start, handOver, open } = await scene({}, (file) => connectCache(file));
    const client = await open({ contexts: ['x-blockyard:dirty'], name: 'disk' });
    await assert.rejects(handOver(start({ cached: false })), /no longer has x-blockyard:dirty/);
    await checkServed(client, 1);
    await handOver(start({ cached: true }));
    assert.deepEqual(await client.blockStatus('x-blockyard:dirty', 0, 512), [[512, 0]]);
  });

  test('what it could not prepare', async () => {
    const { start, handOver, open, reopened } = await scene();
    const client = await open({});
    await assert.rejects(handOver(start({ unprepared: 'no such bucket' })), /the successor failed: no such bucket/);
    assert.equal(reopened(), 0);
    await checkServed(client, 1);
  });

  test('what this server cannot prepare in time', async () => {
    const { start, handOver, open, reopened } = await scene();
    const client = await open({});
    const prepare = () => new Promise<void>(() => {});
    await assert.rejects(handOver(start(), { prepare, readyTimeoutMs: 1500 }), rejectsWith('TIMEOUT'));
    assert.equal(reopened(), 0);
    await checkServed(client, 1);
  });

  test('a flush before the pause that takes too long', async () => {
    const hanging = (file: BlockDevice) => withMethod(file, 'flush', () => new Promise<void>(() => {}));
    const { start, handOver, open, reopened } = await scene({}, hanging);
    const client = await open({});
    await assert.rejects(handOver(start(), { readyTimeoutMs: 1500 }), rejectsWith('TIMEOUT'));
    assert.equal(reopened(), 0);
    await checkServed(client, 1);
  });

  test('what it could not catch up with', async () => {
    const { start, handOver, open, reopened } = await scene();
    const client = await open({});
    await assert.rejects(handOver(start({ behind: 'no answer' })), /the successor failed: no answer/);
    assert.equal(reopened(), 0);
    await checkServed(client, 1);
  });

  test('what it could not catch up with in the pause', async () => {
    const { start, handOver, open, reopened } = await scene({ clock: new ManualClock() });
    const client = await open({});
    await assert.rejects(handOver(start({ behind: 'no answer', behindFrom: 3 })), /the successor failed: no answer/);
    assert.equal(reopened(), 1);
    await checkServed(client, 1);
  });

  test('a flush that fails', async () => {
    const broken = () => Promise.reject(new BlockError('IO', 'broken'));
    const failing = (file: BlockDevice) => withMethod(file, 'flush', broken);
    const { start, handOver, open, reopened } = await scene({}, failing);
    const client = await open({});
    await assert.rejects(handOver(start()), rejectsWith('IO'));
    assert.equal(reopened(), 0);
    await checkServed(client, 1);
  });

  test('and where the devices cannot be opened again, the server stops', async () => {
    const { server, start, handOver, open } = await scene();
    const client = await open({});
    const reopen = () => Promise.reject(new BlockError('FENCED', 'another process has it'));
    await assert.rejects(
      handOver(start({ dieAt: 'opened' }), { reopen }),
      /cannot be opened again.*another process has it/,
    );
    await client.closed;
    await server.stop();
    assert.equal(server.connections, 0);
  });
});

describe('stop', () => {
  test('in the middle of a hand-over gives that up, and answers what was read', async () => {
    const { server, start, handOver, open, gate } = await gatedScene('disconnect');
    const client = await open({});
    gate.close();
    const { child } = start();
    const exited = once(child, 'exit');
    const handed = assert.rejects(handOver({ child, lines: [] }), rejectsWith('UNAVAILABLE'));
    await until(() => gate.waiting() === 1);
    const stopped = server.stop();
    gate.open();
    await handed;
    await stopped;
    await client.closed;
    assert.deepEqual(await exited, [null, 'SIGKILL']);
  });

  test('by force in the middle of a hand-over opens nothing again', async () => {
    const { server, start, handOver, open, gate, reopened } = await gatedScene('disconnect');
    const client = await open({});
    gate.close();
    const handed = assert.rejects(handOver(start()));
    await until(() => gate.waiting() === 1);
    const stopped = server.stop({ force: true });
    gate.open();
    await stopped;
    await handed;
    await client.closed;
    assert.equal(reopened(), 0);
  });

  test('refuses what cannot be handed over', async () => {
    const { server, start, handOver } = await scene({ ownsDevices: false });
    await assert.rejects(handOver(start()), rejectsWith('UNSUPPORTED'));
    await server.stop();
    await assert.rejects(server.handOver({} as HandOverOptions), rejectsWith('INVALID_ARGUMENT'));
  });
});

const DONE = { kind: 'simple', errno: 0, type: -1, done: true, payload: Buffer.alloc(0) };

function requestBytes(cookie: number, offset: number, payload: Uint8Array): Uint8Array {
  return new ByteWriter()
    .u32(REQUEST_MAGIC)
    .u16(0)
    .u16(WRITE)
    .u64(cookie)
    .u64(offset)
    .u32(payload.byteLength)
    .bytes(payload)
    .finish();
}

function optionBytes(option: number, data: Uint8Array): Uint8Array {
  return new ByteWriter().magic(IHAVEOPT).u32(option).u32(data.byteLength).bytes(data).finish();
}

const closings = (events: readonly ServerEvent[]) =>
  events.flatMap((event) => (event.type === 'closed' ? [event.reason] : []));

/** Enough for what was sent to have arrived. */
async function nextIterations(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}
