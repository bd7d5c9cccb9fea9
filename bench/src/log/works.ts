import { createClone, takeSnapshot } from '@blockyard/backend-log';
import { connectCache } from '@blockyard/cache';
import { copyOfTraffic } from '@blockyard/object-store';
import { randomFrom } from '../random.js';
import { medianOf } from '../rounds.js';
import { BenchVolume, GIB, inParallel, KIB, MIB, SECTOR, trafficSince } from './volume.js';

/** A figure, and what it is to be. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** At most so much, or at least. */
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface WorkOptions {
  readonly roundTripMs: number;
  /** Bytes that are overwritten in the steady states. */
  readonly steadyBytes: number;
}

export interface LogWork {
  readonly name: string;
  run(options: WorkOptions): Promise<Figure[]>;
}

const seconds = (start: number) => (performance.now() - start) / 1000;

/** What one client waits for, and what many do together. */
export const latency: LogWork = {
  name: 'latency',
  async run({ roundTripMs }) {
    const volume = await BenchVolume.create({ sizeBytes: GIB, roundTripMs });
    const device = await volume.open();
    const data = new Uint8Array(MIB).fill(7);
    const small = data.subarray(0, SECTOR);
    const random = randomFrom(1);
    const anywhere = () => Math.floor(random() * (128 * (MIB / SECTOR)));
    const figures: Figure[] = [];
    let start = performance.now();
    await inParallel(128, 4, (index) => device.write(index * (MIB / SECTOR), [data]));
    await device.flush();
    figures.push({ name: '128 MiB sequential write, depth 4, flush', value: seconds(start), unit: 's' });
    start = performance.now();
    await inParallel(128, 4, (index) => device.read(index * (MIB / SECTOR), [new Uint8Array(MIB)]));
    figures.push({ name: 'the same read', value: seconds(start), unit: 's' });
    for (const depth of [16, 64]) {
      start = performance.now();
      await inParallel(4096, depth, () => device.read(anywhere(), [new Uint8Array(SECTOR)]));
      figures.push({ name: `random 4 KiB reads, depth ${depth}`, value: 4096 / seconds(start), unit: 'per s' });
    }
    const before = copyOfTraffic(volume.store.traffic);
    start = performance.now();
    await inParallel(2000, 16, () => device.write(anywhere(), [small]));
    await device.flush();
    const traffic = trafficSince(before, volume.store.traffic);
    figures.push(
      { name: '2,000 random 4 KiB writes and a flush', value: seconds(start), unit: 's', atMost: 0.6 },
      { name: 'requests of that', value: traffic.requests, unit: '', atMost: 10 },
      { name: 'bytes up of that', value: traffic.uploadBytes / MIB, unit: 'MiB', atMost: 10 },
    );
    const times: number[] = [];
    for (let count = 0; count < 100; count++) {
      start = performance.now();
      await device.write(anywhere(), [small]);
      await device.flush();
      times.push((performance.now() - start) / roundTripMs);
    }
    times.sort((a, b) => a - b);
    figures.push(
      { name: '4 KiB write and flush, of a round trip: median', value: medianOf(times), unit: '', atMost: 1.2 },
      { name: '99th percentile', value: times[98] ?? Number.NaN, unit: '', atMost: 1.5 },
    );
    start = performance.now();
    await inParallel(3200, 32, async () => {
      await device.write(anywhere(), [small]);
      await device.flush();
    });
    figures.push({
      name: '32 clients, each write and flush',
      value: 3200 / seconds(start),
      unit: 'per s',
      atLeast: 1300,
    });
    await device.disconnect({ force: true });
    return figures;
  },
};

/** Overwriting, for long, with the cleaner beside it. */
export function steady(
  name: string,
  rankOf: (random: () => number, sectors: number) => number,
  atMost: number,
): LogWork {
  return {
    name,
    async run({ steadyBytes }) {
      const sizeBytes = steadyBytes / 8;
      const volume = await BenchVolume.create({ sizeBytes, roundTripMs: 0 });
      const device = await volume.open({ minDeleteDelayMs: 0, minIdleMs: 2000 });
      const sectors = Math.floor((sizeBytes * 0.8) / SECTOR);
      const data = new Uint8Array(MIB).fill(3);
      for (let sector = 0; sector < sectors; sector += MIB / SECTOR) {
        await device.write(sector, [data.subarray(0, Math.min(MIB, (sectors - sector) * SECTOR))]);
      }
      await device.flush();
      const random = randomFrom(2);
      const small = data.subarray(0, SECTOR);
      const writes = steadyBytes / SECTOR;
      const run = async (count: number) => {
        for (let done = 0; done < count; done++) await device.write(rankOf(random, sectors), [small]);
      };
      // The first half brings the volume into the state that it then keeps.
      await run(writes / 2);
      const before = copyOfTraffic(volume.store.traffic);
      await run(writes / 2);
      const traffic = trafficSince(before, volume.store.traffic);
      const written = (writes / 2) * SECTOR;
      await device.flush();
      await device.compact();
      const live = sectors * SECTOR;
      const { dataBytes } = device.snapshot()?.space ?? { dataBytes: Number.NaN };
      await device.disconnect({ force: true });
      return [
        { name: 'bytes up for each byte written', value: traffic.uploadBytes / written, unit: '', atMost },
        { name: 'PUTs for each 4 MiB written', value: traffic.puts / (written / (4 * MIB)), unit: '', atMost: 1 },
        { name: 'bytes stored for each in use, once idle', value: dataBytes / live, unit: '', atMost: 1.26 },
      ];
    },
  };
}

export const zipf = steady('zipf', zipfRank, 1.6);
export const uniform = steady('uniform', (random, sectors) => Math.floor(random() * sectors), 1.25);

/** Ranks by 1 / rank, spread over the volume. */
function zipfRank(random: () => number, sectors: number): number {
  const rank = Math.min(sectors - 1, Math.floor(sectors ** random()) - 1);
  // An odd factor: neighbours in rank are not neighbours in the volume.
  return Number((BigInt(rank) * 2654435761n) % BigInt(sectors));
}

/** A terabyte with ten gibibytes mapped at random: opening, memory, snapshots, clones. */
export const large: LogWork = {
  name: 'large',
  async run({ roundTripMs }) {
    const volume = await BenchVolume.create({ sizeBytes: 1024 * GIB, roundTripMs, keptBytes: 64 * KIB });
    const sectors = (1024 * GIB) / SECTOR;
    const random = randomFrom(3);
    const small = new Uint8Array(SECTOR).fill(9);
    const anywhere = () => Math.floor(random() * sectors);
    const device = await volume.open({}, 0);
    const memory: number[] = [];
    const writes = (10 * GIB) / SECTOR;
    for (let count = 0; count < writes; count++) {
      await device.write(anywhere(), [small]);
      if (count % 4096 === 0) memory.push(device.snapshot()?.mapMemoryBytes ?? 0);
    }
    await device.disconnect();
    const figures: Figure[] = [
      {
        name: 'memory of the map while 10 GiB are written at random, at most',
        value: Math.max(...memory) / MIB,
        unit: 'MiB',
      },
    ];
    let start = performance.now();
    const again = await volume.open();
    figures.push({ name: 'opening after a clean end', value: seconds(start), unit: 's', atMost: 0.5 });
    let before = copyOfTraffic(volume.store.traffic);
    await again.takeSnapshot('origin');
    figures.push({
      name: 'requests of a snapshot',
      value: trafficSince(before, volume.store.traffic).requests,
      unit: '',
      atMost: 5,
    });
    const beside = volume.newStore();
    before = copyOfTraffic(beside.traffic);
    await createClone({ store: beside, prefix: volume.prefix }, 'origin', { prefix: 'bench/clone' });
    figures.push({
      name: 'requests of a clone',
      value: trafficSince(before, beside.traffic).requests,
      unit: '',
      atMost: 5,
    });
    before = copyOfTraffic(beside.traffic);
    await takeSnapshot({ store: beside, prefix: volume.prefix }, 'beside');
    figures.push({
      name: 'requests of a snapshot by another process',
      value: trafficSince(before, beside.traffic).requests,
      unit: '',
    });
    for (let segments = 0; segments < 511; segments++) {
      for (let count = 0; count < 100; count++) await again.write(anywhere(), [small]);
      await again.flush();
    }
    await again.disconnect({ force: true });
    start = performance.now();
    const last = await volume.open();
    figures.push({ name: 'opening with 511 segments behind', value: seconds(start), unit: 's', atMost: 2 });
    await last.disconnect({ force: true });
    return figures;
  },
};

/** What was written in random order, read in order: before and after cleaning. */
export const scattered: LogWork = {
  name: 'scattered',
  async run({ roundTripMs }) {
    const volume = await BenchVolume.create({ sizeBytes: GIB, roundTripMs });
    const device = await volume.open({ minDeleteDelayMs: 0, minIdleMs: 600_000 }, 0);
    const sectors = (64 * MIB) / SECTOR;
    const small = new Uint8Array(SECTOR).fill(5);
    const random = randomFrom(4);
    const order = Array.from({ length: sectors }, (_, sector) => ({ sector, at: random() })).sort(
      (a, b) => a.at - b.at,
    );
    for (const { sector } of order) await device.write(sector, [small]);
    // Half of it twice, so that there is something to clean.
    for (const { sector } of order.filter((_, at) => at % 2 === 1)) await device.write(sector, [small]);
    await device.disconnect();
    const figures: Figure[] = [];
    for (const when of ['before cleaning', 'after cleaning']) {
      const reader = await volume.open({ minIdleMs: 600_000 });
      const before = copyOfTraffic(volume.store.traffic);
      const start = performance.now();
      await inParallel(64, 4, (index) => reader.read(index * (MIB / SECTOR), [new Uint8Array(MIB)]));
      const { requests } = trafficSince(before, volume.store.traffic);
      figures.push({ name: `64 MiB in order, ${when}`, value: seconds(start), unit: 's' });
      figures.push({ name: `requests of that, ${when}`, value: requests, unit: '' });
      await reader.compact();
      await reader.disconnect();
    }
    return figures;
  },
};

/** Random reads below a cache, of an area that was written in order, and again once blocks of it were overwritten at random. */
export const overwritten: LogWork = {
  name: 'overwritten',
  async run({ roundTripMs }) {
    const volume = await BenchVolume.create({ sizeBytes: GIB, roundTripMs });
    const areaBytes = 128 * MIB;
    const random = randomFrom(5);
    const anywhere = () => Math.floor(random() * (areaBytes / SECTOR));
    const cached = async (rttMs?: number) =>
      connectCache(await volume.open({ minIdleMs: 600_000 }, rttMs), { maxSizeBytes: 64 * MIB });
    const data = new Uint8Array(MIB).fill(7);
    const first = await cached(0);
    for (let start = 0; start < areaBytes; start += MIB) await first.write(start / SECTOR, [data]);
    await first.disconnect();
    const figures: Figure[] = [];
    for (const what of ['written in order', '6,000 blocks of it overwritten']) {
      const reader = await cached();
      const before = copyOfTraffic(volume.store.traffic);
      const start = performance.now();
      await inParallel(8192, 64, () => reader.read(anywhere(), [new Uint8Array(SECTOR)]));
      const { requests, downloadBytes } = trafficSince(before, volume.store.traffic);
      figures.push(
        { name: `8,192 random 4 KiB reads of 128 MiB, depth 64, ${what}`, value: 8192 / seconds(start), unit: 'per s' },
        { name: `requests of that, ${what}`, value: requests, unit: '' },
        { name: `bytes down of that, ${what}`, value: downloadBytes / MIB, unit: 'MiB' },
      );
      await reader.disconnect();
      const writer = await cached(0);
      for (let round = 0; round < 3; round++) {
        await inParallel(2000, 16, () => writer.write(anywhere(), [data.subarray(0, SECTOR)]));
        await writer.flush();
      }
      await writer.disconnect();
    }
    return figures;
  },
};

/** A volume that no one uses. */
export const idle: LogWork = {
  name: 'idle',
  async run() {
    const volume = await BenchVolume.create({ sizeBytes: GIB, roundTripMs: 0 });
    const device = await volume.open({ minDeleteDelayMs: 1000, minIdleMs: 1000 });
    const data = new Uint8Array(MIB).fill(5);
    for (let index = 0; index < 64; index++) await device.write((index % 16) * (MIB / SECTOR), [data]);
    await device.flush();
    const wait = (minutes: number) => new Promise((resolve) => setTimeout(resolve, minutes * 60_000));
    // In these it cleans, deletes, and says that it will be silent.
    await wait(1.5);
    const before = copyOfTraffic(volume.store.traffic);
    await wait(10);
    const { requests } = trafficSince(before, volume.store.traffic);
    await device.disconnect();
    return [{ name: 'requests in ten idle minutes', value: requests, unit: '', atMost: 0 }];
  },
};
