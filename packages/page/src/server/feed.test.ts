import { ManualClock, settled } from '@blockyard/block/testing';
import { afterEach, expect, test } from 'vitest';
import type { Controls } from '../controls.js';
import { type CellKind, kindOf, LEVELS, levelOfCell } from '../shared/cells.js';
import type { CellMessage } from '../shared/messages.js';
import type { PageLook } from '../source.js';
import { makeShown, SECTOR, type Shown } from '../testing/shown.js';
import { Stream } from '../testing/stream.js';
import { VIEWERS_MAX } from './feeds.js';
import { EVICTED_MS } from './picture.js';
import { type PageServer, servePage } from './server.js';

const LOCAL = { host: '127.0.0.1', port: 0 };
const SECTORS = 4096;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Served extends Shown {
  readonly server: PageServer;
  readonly clock: ManualClock;
  /** Lets time pass. */
  readonly pass: () => Promise<void>;
}

async function serve(more: Pick<PageLook, 'tier'> = {}): Promise<Served> {
  const shown = await makeShown(SECTORS, undefined, more);
  const clock = new ManualClock();
  const server = await servePage({ address: LOCAL, source: shown.source, clock });
  ends.push(() => shown.device.disconnect({ force: true }));
  ends.push(() => server.end());
  return { ...shown, server, clock, pass: () => clock.advanceAndSettle(100) };
}

async function open({ server }: Served, query?: string): Promise<Stream> {
  const stream = await Stream.open(server.url, query);
  ends.push(() => stream.end());
  return stream;
}

const filled = (sectors: number) => new Uint8Array(sectors * SECTOR).fill(7);

/** What a cell has to be shown as, by the states of its sectors. */
function truthOf({ device }: Served, start: number, count: number): CellKind {
  const states = new Set(device.states(start, count).map(({ state }) => state));
  return (['dirty', 'clean', 'zero', 'absent'] as const).find((state) => states.has(state)) ?? 'absent';
}

test('cells are what the states of their sectors are, for the range that is asked for', async () => {
  const served = await serve();
  await served.device.read(0, [filled(40)]);
  await served.device.write(100, [filled(9)]);
  await served.device.write(3000, [filled(300)]);
  await served.device.discard(2000, 50);
  for (const [query, start, count] of [
    ['?cells=64', 0, SECTORS],
    ['?start=90&count=30&cells=10', 90, 30],
    ['?start=4000&count=9999&cells=7', 4000, 96],
  ] as const) {
    const stream = await open(served, query);
    const frame = await stream.next('frame', served.pass);
    expect([frame.startSector, frame.countSectors]).toEqual([start, count]);
    expect(frame.cells).toBe(Math.ceil(count / frame.cellSectors));
    for (let cell = 0; cell < frame.cells; cell++) {
      const from = start + cell * frame.cellSectors;
      const sectors = Math.min(frame.cellSectors, start + count - from);
      expect(kindOf(stream.cells[cell] ?? 0), `cell ${cell} of ${query}`).toBe(truthOf(served, from, sectors));
    }
    stream.end();
  }
});

test('the level tells how much of a cell it is', async () => {
  const served = await serve();
  await served.device.write(0, [filled(64)]);
  await served.device.write(64, [filled(1)]);
  const stream = await open(served, '?cells=64');
  await stream.next('frame', served.pass);
  expect([...stream.cells.slice(0, 3)].map(levelOfCell)).toEqual([LEVELS - 1, LEVELS - 1 - 6, 0]);
});

test('what changes comes as a small difference, and what does not as nothing', async () => {
  const served = await serve();
  const stream = await open(served, '?cells=4096');
  const first = await stream.next('frame', served.pass);
  expect([first.isKey, first.delta]).toEqual([true, '']);
  await served.device.write(1000, [filled(8)]);
  const second = await stream.next('frame', served.pass);
  expect(second.isKey).toBe(false);
  expect(second.delta.length).toBeLessThan(16);
  expect(kindOf(stream.cells[1000] ?? 0)).toBe('dirty');
  await served.device.flush();
  await stream.next('frame', served.pass);
  expect(kindOf(stream.cells[1000] ?? 0)).toBe('clean');
});

test('what has left is shown for a while', async () => {
  const served = await serve();
  await served.device.read(0, [filled(1024)]);
  const stream = await open(served, '?cells=1024');
  await stream.next('frame', served.pass);
  expect(kindOf(stream.cells[255] ?? 0)).toBe('clean');
  await served.device.setMaxSizeBytes(2 ** 20);
  await stream.next('frame', served.pass);
  const gone = [...stream.cells.keys()].filter((cell) => kindOf(stream.cells[cell] ?? 0) === 'evicted');
  expect(gone.length).toBeGreaterThan(100);
  expect(new Set(gone.map((cell) => truthOf(served, cell * 4, 4)))).toEqual(new Set(['absent']));
  served.clock.advance(EVICTED_MS);
  await stream.next('frame', served.pass);
  expect(gone.filter((cell) => stream.cells[cell] !== 0)).toEqual([]);
});

test('what is on the tier alone is a kind of its own, told a step at a time, and again when it has changed', async () => {
  const onDisk = [
    { start: 500, count: 600 },
    { start: 2000, count: 1 },
  ];
  let sweeps = 0;
  const served = await serve({
    *tier(start, count) {
      sweeps++;
      for (const range of onDisk) {
        const from = Math.max(start, range.start);
        const to = Math.min(start + count, range.start + range.count);
        if (to > from) yield { start: from, count: to - from };
        yield undefined;
      }
    },
  });
  // In memory, too.
  await served.device.read(640, [filled(64)]);
  const stream = await open(served, '?cells=64');
  const kinds = () => [...stream.cells].flatMap((byte, cell) => (kindOf(byte) === 'tier' ? [cell] : []));
  const { viewer } = await stream.next('frame', served.pass);
  while (kinds().length < 11) await stream.next('frame', served.pass);
  expect(kinds()).toEqual([7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 31]);
  const ask = async (cell: number) =>
    (await fetch(`${served.server.url}/cell?viewer=${viewer}&cell=${cell}`)).json() as Promise<CellMessage>;
  expect((await ask(7)).sectors).toEqual({ tier: 12, absent: 52 });
  expect((await ask(10)).sectors).toEqual({ clean: 64 });
  expect(sweeps).toBeGreaterThan(0);
  onDisk.splice(0);
  while (kinds().length > 0) await stream.next('frame', served.pass);
});

test('what is in a cell is told exactly', async () => {
  const served = await serve();
  await served.device.read(64, [filled(8)]);
  await served.device.write(70, [filled(20)]);
  const stream = await open(served, '?cells=64');
  const { viewer } = await stream.next('frame', served.pass);
  const ask = async (query: string) => (await fetch(`${served.server.url}/cell?${query}`)).json();
  expect(await ask(`viewer=${viewer}&cell=1`)).toEqual({
    startSector: 64,
    countSectors: 64,
    sectors: { dirty: 20, clean: 6, absent: 38 },
  });
  for (const wrong of ['', `viewer=${viewer}&cell=64`, `viewer=${viewer}&cell=x`, 'viewer=other&cell=1']) {
    expect(await ask(wrong)).toMatchObject({ error: { code: 'BAD_REQUEST' } });
  }
});

test('when no one looks, nothing is looked at', async () => {
  const served = await serve();
  await served.clock.advanceAndSettle(10_000);
  expect(served.source.looks).toBe(0);
  const stream = await open(served);
  await stream.next('facts', served.pass);
  stream.end();
  // The loop comes to its end once the connection is known to be closed.
  while (served.clock.timers.length > 0) await served.pass();
  const { looks } = served.source;
  await served.clock.advanceAndSettle(10_000);
  expect([looks > 0, served.source.looks - looks]).toEqual([true, 0]);
});

test('there are so many viewers at once, and no more', async () => {
  const served = await serve();
  const streams: Stream[] = [];
  for (let i = 0; i < VIEWERS_MAX; i++) streams.push(await open(served));
  expect(streams.map(({ status }) => status)).toEqual(streams.map(() => 200));
  expect((await open(served)).status).toBe(409);
});

test('facts tell of the device, its counters and whether it is safe to stop, and of another device when there is one', async () => {
  const served = await serve();
  await served.device.write(0, [filled(3)]);
  const stream = await open(served);
  const facts = await stream.next('facts', served.pass);
  expect(facts).toMatchObject({
    device: { generation: 1, sectorSize: SECTOR, sizeSectors: SECTORS, hasMap: true },
    counters: { cache: { dirtyBytes: 3 * SECTOR, maxSizeBytes: 2 ** 23 } },
    status: { safeToStop: false, exports: [{ store: { state: 'up' } }] },
  });
  const { look } = served.source;
  Object.assign(served.source, { look: () => undefined });
  await served.clock.advanceAndSettle(1000);
  expect(await stream.next('facts', served.pass)).toMatchObject({ device: null, status: null });
  Object.assign(served.source, { look: () => ({ ...look(), identity: 'another' }) });
  await served.clock.advanceAndSettle(1000);
  let after = await stream.next('facts', served.pass);
  while (after.device === null) after = await stream.next('facts', served.pass);
  expect(after.device?.generation).toBe(2);
});

test('of several devices the first is shown, or the one that is asked for; one that has gone is told of as none', async () => {
  const [one, two] = [await makeShown(SECTORS), await makeShown(SECTORS)];
  ends.push(() => Promise.all([one, two].map(({ device }) => device.disconnect({ force: true }))));
  const clock = new ManualClock();
  const done: string[] = [];
  const controlsOf = (name: string): Controls => ({
    list: () => [{ id: 'flush', group: 'Now', label: 'Flush', help: '', kind: 'action', isEnabled: true }],
    set: async (id) => {
      done.push(`${name} ${id}`);
    },
  });
  const names = ['one', 'two'];
  const shown = new Map(names.map((name, at) => [name, at === 0 ? one : two]));
  const devices = () =>
    [...shown].map(([name, { source }]) => ({
      name,
      source: { look: () => source.look() },
      controls: controlsOf(name),
    }));
  const token = 'a-token-that-is-planted';
  const server = await servePage({ address: LOCAL, devices, clock, token });
  ends.push(() => server.end());
  await two.device.write(0, [filled(1)]);
  const pass = () => clock.advanceAndSettle(500);
  const dirtyOf = async (query: string) => {
    const stream = await Stream.open(server.url, query);
    ends.push(() => stream.end());
    const { names: told, counters } = await stream.next('facts', pass);
    return [told, counters?.cache?.dirtyBytes];
  };
  expect(await dirtyOf('')).toEqual([names, 0]);
  expect(await dirtyOf('?device=one')).toEqual([names, 0]);
  expect(await dirtyOf('?device=two')).toEqual([names, SECTOR]);
  expect(await dirtyOf('?device=three')).toEqual([names, undefined]);
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const set = async (device?: string) =>
    (await fetch(`${server.url}/set`, { method: 'POST', headers, body: JSON.stringify({ id: 'flush', device }) }))
      .status;
  expect([await set(), await set('two'), await set('three')]).toEqual([200, 200, 400]);
  expect(done).toEqual(['one flush', 'two flush']);
  shown.delete('two');
  expect(await dirtyOf('?device=two')).toEqual([['one'], undefined]);
});

test('a source that throws is asked again', async () => {
  const served = await serve();
  const { look } = served.source;
  let failures = 0;
  const failing = () => {
    failures++;
    throw new Error('gone');
  };
  Object.assign(served.source, { look: () => (failures < 2 ? failing() : look()) });
  const stream = await open(served);
  await stream.next('facts', () => served.clock.advanceAndSettle(1000));
  expect(failures).toBe(2);
});

test('the end of the server ends its viewers', async () => {
  const served = await serve();
  const stream = await open(served);
  await settled();
  served.server.end();
  await stream.over();
});
