import { setTimeout as delay } from 'node:timers/promises';
import type { WriteLogDevice } from '@blockyard/write-log';
import type { Figure } from '../figures.js';
import { MIB } from '../log/volume.js';
import { randomFrom } from '../random.js';
import { SECTOR, type TierOptions, TierScene, VOLUME_BYTES } from './scene.js';

const CLIENTS = 8;
/** Each waits so long between its writes. */
const THINK_MS = 5;
const SEED = 15;
/** Half of what comes in ten minutes at most, so that it gets full. */
const MEDIUM_BYTES = 128 * MIB;

export interface AwayOptions extends TierOptions {
  readonly secondsAway: number;
}

/** Clients write and flush while the store is away, until the ring is full, and go on when it is back. */
export async function away(options: AwayOptions): Promise<Figure[]> {
  const scene = await TierScene.create(options);
  try {
    const device = await scene.open({}, MEDIUM_BYTES);
    const load = new Load(device);
    await load.run(2000);
    scene.volume.store.isAway = true;
    const awayAtMs = performance.now();
    const before = load.flushed;
    const running = load.begin();
    await delay(options.secondsAway * 1000);
    const atEnd = device.snapshot();
    const stoodMs = performance.now() - load.lastFlushAtMs;
    const whileAway = load.flushed - before;
    scene.volume.store.isAway = false;
    const backAtMs = performance.now();
    await load.goesOn();
    const onMs = performance.now() - backAtMs;
    await load.end(running);
    await device.drain();
    const drainedMs = performance.now() - backAtMs;
    await device.disconnect();
    const wrong = await load.wrongSectors(scene);
    const work = `the store is away for ${options.secondsAway} s`;
    return [
      { work, name: 'writes flushed meanwhile', value: whileAway, unit: '' },
      { work, name: 'operations that failed', value: load.failures, unit: '', atMost: 0 },
      { work, name: 'of the ring full at the end', value: atEnd.ringUsedShare, unit: '' },
      { work, name: 'writers had waited by then', value: stoodMs / 1000, unit: 's' },
      { work, name: 'first flush after it is back', value: onMs / 1000, unit: 's' },
      { work, name: 'all drained after', value: drainedMs / 1000, unit: 's' },
      { work, name: 'sectors of the volume that are wrong then', value: wrong, unit: '', atMost: 0 },
      { work, name: 'took in all', value: (performance.now() - awayAtMs) / 1000, unit: 's' },
    ];
  } finally {
    await scene.dispose();
  }
}

/** Writes of a number that no other has, each flushed. Clients have sectors of their own. */
class Load {
  flushed = 0;
  failures = 0;
  lastFlushAtMs = 0;
  readonly #device: WriteLogDevice;
  readonly #random = randomFrom(SEED);
  readonly #written = new Map<number, number>();
  #stamp = 0;
  #isOn = false;
  #onFlush = () => {};

  constructor(device: WriteLogDevice) {
    this.#device = device;
  }

  async run(ms: number): Promise<void> {
    const running = this.begin();
    await delay(ms);
    await this.end(running);
  }

  begin(): Promise<unknown> {
    this.#isOn = true;
    return Promise.all(Array.from({ length: CLIENTS }, (_, client) => this.#client(client)));
  }

  async end(running: Promise<unknown>): Promise<void> {
    this.#isOn = false;
    await running;
  }

  /** Resolves with the next flush. */
  goesOn(): Promise<void> {
    return new Promise((resolve) => (this.#onFlush = resolve));
  }

  async #client(client: number): Promise<void> {
    while (this.#isOn) {
      const sector = Math.floor(this.#random() * (VOLUME_BYTES / SECTOR / CLIENTS)) * CLIENTS + client;
      const stamp = ++this.#stamp;
      try {
        await this.#device.write(sector, [stamped(stamp)]);
        await this.#device.flush();
        this.#written.set(sector, stamp);
        this.flushed++;
        this.lastFlushAtMs = performance.now();
        this.#onFlush();
      } catch {
        this.failures++;
      }
      await delay(THINK_MS);
    }
  }

  /** Of what was flushed, as the volume has it without its write log. */
  async wrongSectors({ volume }: TierScene): Promise<number> {
    const base = await volume.open({ readOnly: true }, 0);
    const bytes = new Uint8Array(SECTOR);
    let wrong = 0;
    for (const [sector, stamp] of this.#written) {
      await base.read(sector, [bytes]);
      if (!Buffer.from(bytes).equals(stamped(stamp))) wrong++;
    }
    await base.disconnect();
    return wrong;
  }
}

function stamped(stamp: number): Buffer {
  const bytes = Buffer.alloc(SECTOR, stamp % 251);
  bytes.writeDoubleLE(stamp);
  return bytes;
}
