import type { BlockDevice } from '@blockyard/block';

/** A call of one operation with any arguments, right or wrong. */
export interface Call {
  readonly name: string;
  /** Whether it changes the device, and is refused by a read-only one [A7]. */
  readonly changes: boolean;
  run(device: BlockDevice, start: unknown, count: unknown): Promise<unknown>;
}

/**
 * The operations on a range of sectors. `read` and `write` get one buffer of `count` sectors, or an empty list where `count` is
 * 0 or no count at all.
 */
export const RANGE_CALLS: readonly Call[] = [
  {
    name: 'read',
    changes: false,
    run: (device, start, count) => device.read(start as number, buffersFor(device, count)),
  },
  {
    name: 'write',
    changes: true,
    run: (device, start, count) => device.write(start as number, buffersFor(device, count)),
  },
  {
    name: 'flush',
    changes: false,
    run: (device, start, count) => device.flush({ start: start as number, count: count as number }),
  },
  {
    name: 'discard',
    changes: true,
    run: (device, start, count) => device.discard(start as number, count as number),
  },
  {
    name: 'writeZeroes',
    changes: true,
    run: (device, start, count) => device.writeZeroes(start as number, count as number),
  },
  {
    name: 'extents',
    changes: false,
    run: (device, start, count) => device.extents(start as number, count as number),
  },
];

/** Those of {@link RANGE_CALLS} that take a number of sectors instead of buffers. */
export const COUNT_CALLS = RANGE_CALLS.filter(({ name }) => name !== 'read' && name !== 'write');

/** Those of {@link RANGE_CALLS} that change the device. */
export const CHANGING_CALLS = RANGE_CALLS.filter(({ changes }) => changes);

/** The two operations that take buffers, called with any list. */
export const TRANSFERS: readonly {
  readonly name: string;
  run: (device: BlockDevice, buffers: unknown) => Promise<void>;
}[] = [
  { name: 'read', run: (device, buffers) => device.read(0, buffers as Uint8Array[]) },
  { name: 'write', run: (device, buffers) => device.write(0, buffers as Uint8Array[]) },
];

function buffersFor(device: BlockDevice, count: unknown): Uint8Array[] {
  return typeof count === 'number' && count > 0 ? [new Uint8Array(count * device.info.sectorSize).fill(0xee)] : [];
}
