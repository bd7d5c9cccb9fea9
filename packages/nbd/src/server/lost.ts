import { type BlockDevice, BlockError, type CacheStates, isBlockError } from '@blockyard/block';
import type { Export } from './exports/exports.js';

/** Sectors of a cache's map looked at in one step. */
const STEP_SECTORS = 262_144;

/** Bytes that were accepted and that the device below does not have. */
export interface Dirty {
  readonly writtenBytes: number;
  readonly zeroedBytes: number;
}

/** An export's device whose accepted writes could not be made durable. */
export interface Loss {
  readonly device: BlockDevice;
  /** Names of the device's exports. */
  readonly exports: readonly string[];
  readonly error: BlockError;
  /** What is known to be on this side only; `undefined` where the device cannot tell. */
  readonly dirty: Dirty | undefined;
}

/** Makes durable what was accepted, and `ends` the device or not. Gives what is lost where that fails. */
export async function settle(
  device: BlockDevice,
  exports: readonly string[],
  states: CacheStates | undefined,
  ends: boolean,
): Promise<Loss | undefined> {
  try {
    await (ends ? device.disconnect() : device.flush());
    return undefined;
  } catch (error) {
    // Its owner has ended it, and has made durable what was in it or given it up.
    return isBlockError(error, 'DISCONNECTED') ? undefined : lossOf(device, exports, states, error);
  }
}

function lossOf(device: BlockDevice, exports: readonly string[], cache: CacheStates | undefined, error: unknown): Loss {
  const failure = BlockError.from(error, { operation: 'flush', device: device.info.name });
  return {
    device,
    exports,
    error: failure,
    dirty: cache === undefined ? undefined : dirtyOf(device, cache),
  };
}

/** The error that `stop` rejects with: what is lost if the process ends now. */
export function lossError(losses: readonly Loss[]): BlockError {
  const texts = losses.map(({ exports, dirty, error }) => {
    const names = exports.map((name) => JSON.stringify(name)).join(', ');
    return `export ${names}: ${describe(dirty)} could not be made durable (${error.code}: ${error.message})`;
  });
  const errors = losses.map(({ error }) => error);
  return new BlockError(errors[0]?.code ?? 'IO', texts.join('; '), {
    operation: 'flush',
    cause: errors.length === 1 ? errors[0] : new AggregateError(errors),
  });
}

export function statesOf(exports: readonly Export[], device: BlockDevice): CacheStates | undefined {
  return exports.find((entry) => entry.device === device)?.cacheStates;
}

function describe(dirty: Dirty | undefined): string {
  if (dirty === undefined) return 'changes that were accepted';
  // All of it was written on, and not flushed there.
  if (dirty.writtenBytes === 0 && dirty.zeroedBytes === 0) return 'what was written since the last flush';
  return `${dirty.writtenBytes} bytes written and ${dirty.zeroedBytes} bytes zeroed`;
}

function dirtyOf(device: BlockDevice, cache: CacheStates): Dirty | undefined {
  const { sectorSize, sizeSectors } = device.info;
  const sectors = { absent: 0, zero: 0, clean: 0, dirty: 0 };
  try {
    for (let at = 0; at < sizeSectors; at += STEP_SECTORS) {
      for (const run of cache.states(at, Math.min(STEP_SECTORS, sizeSectors - at))) sectors[run.state] += run.count;
    }
  } catch {
    // Only for the message: the failure to be told is another one.
    return undefined;
  }
  return { writtenBytes: sectors.dirty * sectorSize, zeroedBytes: sectors.zero * sectorSize };
}
