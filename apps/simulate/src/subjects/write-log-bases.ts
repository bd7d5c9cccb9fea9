import { type ConnectLogOptions, connectLog, createLogVolume } from '@blockyard/backend-log';
import type { BlockDevice, TierAttachment, TierMark } from '@blockyard/block';
import { type Life, openSimulatedBase, SimulatedMedium, type World } from '@blockyard/conformance/simulator';
import { SimulatedObjects } from './simulated-objects.js';

/** What a write log is put above, once it is open. */
export interface OpenedBase {
  readonly device: BlockDevice;
  readonly baseId: string;
  readonly mark: TierMark | undefined;
}

/** Where what is drained goes. Outlives the processes that use it. */
export interface SimulatedBase {
  /** Whether it keeps the order of its writes in a crash. */
  readonly keepsOrder: boolean;
  readonly hasMark: boolean;
  open(life: Life): Promise<OpenedBase>;
  crash(): void;
  /** Nothing reaches it until then, of the world's time. */
  away(untilMs: number): void;
}

/** Sectors in memory. In some worlds they remember their tier. */
export function memoryBase(world: World): SimulatedBase {
  const medium = new SimulatedMedium(world);
  const hasMark = world.random.chance(0.5);
  let attached: TierAttachment | null = null;
  const change = (life: Life, name: string, to: (now: TierAttachment | null) => TierAttachment | null) =>
    world.call(life, {
      name,
      parts: 1,
      isAway: world.time.now() < medium.awayUntilMs,
      apply: () => {
        attached = to(attached);
      },
      done: () => {},
    });
  const markFor = (life: Life): TierMark => ({
    attached,
    attach: (attachment) => change(life, 'attach', () => attachment),
    detach: (id) => change(life, 'detach', (now) => (now?.attachmentId === id ? null : now)),
  });
  return {
    keepsOrder: false,
    hasMark,
    open: async (life) => ({
      device: openSimulatedBase(world, medium, life),
      baseId: 'memory',
      mark: hasMark ? markFor(life) : undefined,
    }),
    crash: () => medium.crash(world.random),
    away: (untilMs) => {
      medium.awayUntilMs = untilMs;
    },
  };
}

const PREFIX = 'volume';
/** Of a segment with 24 slots. */
const SEGMENT_BYTES = 64 + (48 << 10) + 24 * (512 + 16);

/** A log volume in a bucket of the simulation's. */
export async function logBase(world: World): Promise<SimulatedBase> {
  const bucket = new SimulatedObjects(world);
  const { random, shape } = world;
  await createLogVolume({ store: bucket.direct(), prefix: PREFIX, ...shape, segmentSizeBytes: SEGMENT_BYTES });
  const options: Partial<ConnectLogOptions> = {
    maxInFlightSegments: random.pick([1, 8]),
    maxDirtyAgeMs: random.pick([5, 500, 5000]),
    maxConcurrency: random.pick([1, 64]),
    minIdleMs: random.pick([1, 50]),
  };
  return {
    keepsOrder: true,
    hasMark: true,
    async open(life) {
      bucket.settle();
      const clock = { ...life.clock, wallMs: bucket.wallMs };
      const place = { store: bucket.handle(life), prefix: PREFIX };
      const device = await connectLog({ ...place, ...options, clock, tier: 'expected' });
      return { device, baseId: device.volumeId, mark: device.tierMark };
    },
    crash: () => {},
    away: (untilMs) => {
      bucket.awayUntilMs = untilMs;
    },
  };
}
