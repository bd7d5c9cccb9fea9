import { type BlockDevice, isBlockError } from '@blockyard/block';
import { Life, type Watch, type World } from '@blockyard/conformance/simulator';
import { writersOf } from '@blockyard/conformance/testing';

/** Looks at the volume in one world, and between two openings of it. */
const LOOKS_MAX = 32;
const LOOKS_AT_ONCE_MAX = 8;
const PAUSE_MS_MAX = 150;

/** What the follower of a volume needs. */
export interface FollowerParts {
  readonly world: World;
  /** Opens the volume for reading. */
  readonly open: (life: Life, followMs: number) => Promise<BlockDevice>;
  /** Whether an opening, or a read, may fail like this. */
  readonly mayFail: (error: unknown) => boolean;
}

/**
 * Another process, which follows the volume from the first writer's beginning on, whatever becomes of that one. All that it sees
 * must have been there: the result of a prefix of the writes, as long as the last flush when it opened the volume, and never a
 * shorter one than before. Rejects if it was not.
 */
export async function follow({ world, open, mayFail }: FollowerParts): Promise<void> {
  const { random } = world;
  const life = new Life(world.time);
  for (let looks = 0; looks < LOOKS_MAX; ) {
    const watch = world.watch();
    const followMs = random.pick([0, 3, 20, 100]);
    const until = Math.min(LOOKS_MAX, looks + random.between(1, LOOKS_AT_ONCE_MAX));
    try {
      const view = await open(life, followMs);
      try {
        for (; looks < until; looks++) {
          await see(view, watch);
          await pause(world);
        }
      } finally {
        await view.disconnect({ force: true });
      }
    } catch (error) {
      if (!isBlockError(error) || !mayFail(error)) throw error;
      looks++;
      await pause(world);
    } finally {
      world.unwatch(watch);
    }
  }
}

/** Reads all of a device, and tells the watch. */
export async function see(device: BlockDevice, watch: Watch, isOfOneMoment = false): Promise<Uint8Array> {
  const { sizeSectors, sectorSize } = device.info;
  const bytes = new Uint8Array(sizeSectors * sectorSize);
  if (sizeSectors > 0) await device.read(0, [bytes]);
  watch.saw(writersOf(bytes, 0, sectorSize), isOfOneMoment ? sizeSectors : undefined);
  return bytes;
}

function pause({ time, random }: World): Promise<void> {
  return time.sleep(random.between(1, PAUSE_MS_MAX));
}
