import { type BlockDevice, type BlockDriver, createDevice, type Extent } from '@blockyard/block';
import { firstDifference } from '../bases/bytes.js';
import { sectorViews } from '../bases/sector-views.js';
import type { Life } from './life.js';
import type { SimulatedMedium } from './simulated-medium.js';
import type { World } from './world.js';

const SCRIBBLE = 0x5a;
const PREFERRED_SECTORS = 16;

/**
 * A device on a simulated medium, for one life. It keeps the contract and promises no more: calls end in any order, what is
 * written appears piece by piece, what fails may have been done in part, and a read that fails leaves rubbish behind.
 */
export function openSimulatedBase(world: World, medium: SimulatedMedium, life: Life): BlockDevice {
  const { sectorSize } = world.shape;
  const driver: BlockDriver = {
    name: 'simulated',
    sectorSize,
    sizeSectors: medium.sizeSectors,
    preferredIoBytes: PREFERRED_SECTORS * sectorSize,
    // Whatever overlaps is mixed sector by sector.
    atomicSectors: true,
    read: (start, buffers) => read(world, medium, life, start, sectorViews(buffers, sectorSize)),
    write: (start, buffers) => write(world, medium, life, start, sectorViews(buffers, sectorSize)),
    flush: () => flush(world, medium, life),
    resize: (sizeSectors) => resize(world, medium, life, sizeSectors),
    disconnect: ({ force = false }) => disconnect(world, life, force),
    discard: (start, count) => zero(world, medium, life, 'discard', start, count),
    writeZeroes: (start, count) => zero(world, medium, life, 'writeZeroes', start, count),
    extents: (start, count) => extents(world, medium, life, start, count),
  };
  return createDevice(driver);
}

function read(world: World, medium: SimulatedMedium, life: Life, start: number, views: readonly Uint8Array[]) {
  const scribble = () => {
    for (const view of views) view.fill(SCRIBBLE);
  };
  return world.call(life, {
    isAway: isAway(world, medium),
    name: `read ${start}+${views.length}`,
    parts: views.length,
    apply(from, to) {
      for (let i = from; i < to; i++) {
        const contents = medium.contents(start + i);
        if (contents === undefined) views[i]?.fill(0);
        else views[i]?.set(contents);
      }
    },
    done: () => {},
    failed(error) {
      scribble();
      return error;
    },
  });
}

function write(world: World, medium: SimulatedMedium, life: Life, start: number, views: readonly Uint8Array[]) {
  const before = views.map((view) => view.slice());
  const ids: number[] = [];
  const unchanged = () => {
    if (!before.every((bytes, i) => isSame(bytes, views[i])))
      world.onMisuse('B2', `the buffers of the write of ${views.length} sectors from ${start} changed in flight`);
  };
  return world.call(life, {
    isAway: isAway(world, medium),
    name: `write ${start}+${views.length}`,
    parts: views.length,
    apply(from, to) {
      ids.push(medium.write(start + from, before.slice(from, to)));
    },
    done() {
      unchanged();
      for (const id of ids) medium.accepted(id);
    },
    failed(error) {
      unchanged();
      // What was carried out is there, and as durable with the next flush as anything else that is.
      for (const id of ids) medium.accepted(id);
      return error;
    },
  });
}

function zero(world: World, medium: SimulatedMedium, life: Life, kind: string, start: number, count: number) {
  const ids: number[] = [];
  return world.call(life, {
    isAway: isAway(world, medium),
    name: `${kind} ${start}+${count}`,
    parts: count,
    apply(from, to) {
      ids.push(medium.zero(start + from, to - from));
    },
    done() {
      for (const id of ids) medium.accepted(id);
    },
    failed(error) {
      // What was carried out is there, and as durable with the next flush as anything else that is.
      for (const id of ids) medium.accepted(id);
      return error;
    },
  });
}

function flush(world: World, medium: SimulatedMedium, life: Life) {
  const id = medium.flush();
  return world.call(life, {
    isAway: isAway(world, medium),
    name: 'flush',
    parts: 1,
    apply: () => {},
    done: () => medium.accepted(id),
    failed(error) {
      medium.failed(id);
      return error;
    },
  });
}

function resize(world: World, medium: SimulatedMedium, life: Life, sizeSectors: number) {
  let id = 0;
  return world.call(life, {
    isAway: isAway(world, medium),
    name: `resize ${sizeSectors}`,
    parts: 1,
    failsClean: true,
    apply() {
      id = medium.resize(sizeSectors);
    },
    done: () => medium.accepted(id),
    failed(error) {
      // Ended by force, after the fact.
      if (id !== 0) medium.accepted(id);
      return error;
    },
  });
}

async function extents(world: World, medium: SimulatedMedium, life: Life, start: number, count: number) {
  const found: Extent[] = [];
  return world.call(life, {
    isAway: isAway(world, medium),
    name: `extents ${start}+${count}`,
    parts: 1,
    apply() {
      for (let at = start; at < start + count; at++) {
        found.push({ start: at, count: 1, type: medium.contents(at) === undefined ? 'zero' : 'data' });
      }
    },
    done: () => found,
  });
}

async function disconnect(world: World, life: Life, force: boolean) {
  if (force) {
    life.abortCalls();
    return;
  }
  await world.call(life, { name: 'disconnect', parts: 1, apply: () => {}, done: () => {} });
}

function isAway({ time }: World, { awayUntilMs }: SimulatedMedium): boolean {
  return time.now() < awayUntilMs;
}

function isSame(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && firstDifference(a, b) < 0;
}
