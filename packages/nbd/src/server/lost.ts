import { type BlockDevice, BlockError } from '@blockyard/block';
import type { CacheMapped, Export } from './exports.js';

/** Sectors of a cache's map looked at in one step. */
const STEP_SECTORS = 262_144;

/** An export's device whose accepted writes could not be made durable. */
export interface Loss {
  readonly device: BlockDevice;
  /** Names of the device's exports. */
  readonly exports: readonly string[];
  readonly error: BlockError;
  /** Bytes known to be dirty; `undefined` where the device cannot tell. */
  readonly dirtyBytes: number | undefined;
}

export function lossOf(
  device: BlockDevice,
  exports: readonly string[],
  mapped: CacheMapped | undefined,
  error: unknown,
): Loss {
  const failure = BlockError.from(error, { operation: 'flush', device: device.info.name });
  return {
    device,
    exports,
    error: failure,
    dirtyBytes: mapped === undefined ? undefined : dirtyBytesOf(device, mapped),
  };
}

/** The error that `stop` rejects with: what is lost if the process ends now. */
export function lossError(losses: readonly Loss[]): BlockError {
  const texts = losses.map(({ exports, dirtyBytes, error }) => {
    const names = exports.map((name) => JSON.stringify(name)).join(', ');
    const bytes = dirtyBytes === undefined ? 'data that was accepted' : `${dirtyBytes} bytes that were accepted`;
    return `export ${names}: ${bytes} could not be made durable (${error.code}: ${error.message})`;
  });
  const errors = losses.map(({ error }) => error);
  return new BlockError(errors[0]?.code ?? 'IO', texts.join('; '), {
    operation: 'flush',
    cause: errors.length === 1 ? errors[0] : new AggregateError(errors),
  });
}

export function mappedOf(exports: readonly Export[], device: BlockDevice): CacheMapped | undefined {
  return exports.find((entry) => entry.device === device)?.cacheMapped;
}

function dirtyBytesOf(device: BlockDevice, mapped: CacheMapped): number | undefined {
  const { sectorSize, sizeSectors } = device.info;
  let sectors = 0;
  try {
    for (let at = 0; at < sizeSectors; at += STEP_SECTORS) {
      for (const run of mapped.states(at, Math.min(STEP_SECTORS, sizeSectors - at))) {
        if (run.state === 'dirty') sectors += run.count;
      }
    }
  } catch {
    // Only for the message: the failure to be told is another one.
    return undefined;
  }
  return sectors * sectorSize;
}
