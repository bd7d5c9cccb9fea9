import type { DeviceInfo, SectorRange } from '@blockyard/block';
import type { Command } from 'commander';
import { UsageError } from '../terminal/failure.js';
import { sizeOption } from './define.js';

/** A range as the command line gives it. */
export interface RangeOptions {
  readonly offset?: number;
  readonly length?: number;
}

/** A range of bytes. */
export interface ByteRange {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

export function addRangeOptions(command: Command): Command {
  return command
    .addOption(sizeOption('--offset <size>', 'first byte (default: 0)'))
    .addOption(sizeOption('--length <size>', 'bytes (default: the rest)'));
}

export function sizeBytesOf({ sizeSectors, sectorSize }: DeviceInfo): number {
  return sizeSectors * sectorSize;
}

/** The range inside a device, or a usage error that names the option. */
export function byteRange({ offset = 0, length }: RangeOptions, info: DeviceInfo): ByteRange {
  const sizeBytes = sizeBytesOf(info);
  if (offset > sizeBytes) throw new UsageError(`--offset ${offset} is past the end of the device, ${sizeBytes} bytes`);
  const lengthBytes = length ?? sizeBytes - offset;
  if (lengthBytes > sizeBytes - offset) {
    throw new UsageError(`--offset and --length end past the device's ${sizeBytes} bytes`);
  }
  return { offsetBytes: offset, lengthBytes };
}

/** The same in sectors, where only whole ones make sense. */
export function sectorRange(options: RangeOptions, info: DeviceInfo): SectorRange {
  const { offsetBytes, lengthBytes } = byteRange(options, info);
  const { sectorSize } = info;
  if (offsetBytes % sectorSize !== 0) throw new UsageError(`--offset must be whole sectors of ${sectorSize} bytes`);
  if (lengthBytes % sectorSize !== 0) throw new UsageError(`--length must be whole sectors of ${sectorSize} bytes`);
  return { start: offsetBytes / sectorSize, count: lengthBytes / sectorSize };
}
