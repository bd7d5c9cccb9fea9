import { Option } from 'commander';
import { isMemory } from '../devices/device.js';
import { UsageError } from '../terminal/failure.js';

export function overwriteOption(): Option {
  return new Option('--overwrite', 'allow writes, which destroy what is on the device (memory: needs no leave)');
}

/** Refuses to write over a device that someone may have data on, unless told to. */
export function checkOverwrite(uri: string, allowed: boolean | undefined): void {
  if (allowed || isMemory(uri)) return;
  throw new UsageError('writes would destroy what is on the device', 'if that is meant, add --overwrite');
}
