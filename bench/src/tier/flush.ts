import fs from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Figure } from '../figures.js';
import { randomFrom } from '../random.js';
import { medianOf, medianRatio, secondsInRounds } from '../rounds.js';
import { runClients, SECTOR, type TierOptions, TierScene, VOLUME_BYTES } from './scene.js';

const CLIENTS = [1, 32];
const SEED = 14;

export interface FlushOptions extends TierOptions {
  readonly rounds: number;
  /** Of one side in a round. */
  readonly secondsOfRound: number;
}

/** 4 KiB written anywhere and flushed, again and again: a write log beside a bare file of the same file system. */
export async function flush(options: FlushOptions): Promise<Figure[]> {
  const scene = await TierScene.create(options);
  const bare = await BareFile.create(join(scene.directory, 'bare'), VOLUME_BYTES);
  const device = await scene.open();
  const random = randomFrom(SEED);
  const anywhere = () => Math.floor(random() * (VOLUME_BYTES / SECTOR));
  const block = new Uint8Array(SECTOR).fill(7);
  const figures: Figure[] = [];
  try {
    for (const clients of CLIENTS) {
      const work = `4 KiB write and flush, ${clients} ${clients === 1 ? 'client' : 'clients'}`;
      const run = (operation: () => Promise<void>) => () => runClients(clients, options.secondsOfRound, operation);
      const flushMs: number[] = [];
      const before = device.snapshot();
      const [ours = [], theirs = []] = await secondsInRounds(
        [
          run(async () => {
            await device.write(anywhere(), [block]);
            const startMs = performance.now();
            await device.flush();
            flushMs.push(performance.now() - startMs);
          }),
          run(() => bare.writeDurably(anywhere() * SECTOR, block)),
        ],
        options.rounds,
      );
      flushMs.sort((a, b) => a - b);
      const after = device.snapshot();
      const since = (name: 'acceptedBytes' | 'mediumWrittenBytes' | 'flushes' | 'mediumFlushes') =>
        after[name] - before[name];
      figures.push(
        { work, name: 'a bare file with fdatasync', value: 1 / medianOf(theirs), unit: 'per s' },
        { work, name: 'a write log', value: 1 / medianOf(ours), unit: 'per s' },
        {
          work,
          name: 'of the bare file: median of the rounds',
          value: medianRatio(theirs, ours),
          unit: '',
          atLeast: 0.8,
        },
        { work, name: 'a flush: median', value: medianOf(flushMs), unit: 'ms' },
        {
          work,
          name: '99.9th percentile',
          value: flushMs[Math.floor(flushMs.length * 0.999)] ?? Number.NaN,
          unit: 'ms',
        },
        { work, name: 'longest', value: flushMs.at(-1) ?? Number.NaN, unit: 'ms' },
        { work, name: 'flushes for each of the medium', value: since('flushes') / since('mediumFlushes'), unit: '' },
        {
          work,
          name: 'bytes to the medium per byte written',
          value: since('mediumWrittenBytes') / since('acceptedBytes'),
          unit: '',
        },
        { work, name: 'drained meanwhile', value: after.drains - before.drains, unit: 'batches' },
      );
    }
    await device.disconnect();
  } finally {
    await bare.close();
    await scene.dispose();
  }
  return figures;
}

/** A file that has all its blocks, written in place: the least that a durable write costs. */
class BareFile {
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  static async create(path: string, sizeBytes: number): Promise<BareFile> {
    const handle = await open(path, 'w+');
    const zeroes = new Uint8Array(8 << 20);
    for (let at = 0; at < sizeBytes; at += zeroes.byteLength) await handle.write(zeroes, 0, zeroes.byteLength, at);
    await handle.sync();
    return new BareFile(handle);
  }

  /** With Node's quickest calls. */
  writeDurably(at: number, bytes: Uint8Array): Promise<void> {
    const { fd } = this.#handle;
    return new Promise((resolve, reject) => {
      fs.write(fd, bytes, 0, bytes.byteLength, at, (failure) => {
        if (failure) reject(failure);
        else fs.fdatasync(fd, (error) => (error ? reject(error) : resolve()));
      });
    });
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
