import type { BlockDevice, TierAttachment, TierMark } from '@blockyard/block';
import { connectWriteLog, type WriteLogDevice, type WriteLogOptions } from '../index.js';
import { Disk } from './disk.js';

export const SECTOR = 512;
export const MEDIUM_BYTES = 2 << 20;
/** The smallest medium that there is: a ring of 1 MiB. */
export const SMALL_MEDIUM_BYTES = 131_072 + (1 << 20);

/** A base that remembers its tier, as long as the test lasts. A test may make it fail. */
export class Marked {
  attached: TierAttachment | null = null;
  readonly calls: string[] = [];
  onCall: (call: 'attach' | 'detach') => Promise<void> | void = () => {};

  /** As it is when the base is opened. */
  open(): TierMark {
    return {
      attached: this.attached,
      attach: async (attachment) => {
        this.calls.push('attach');
        await this.onCall('attach');
        this.attached = attachment;
      },
      detach: async (attachmentId) => {
        this.calls.push('detach');
        await this.onCall('detach');
        if (this.attached?.attachmentId === attachmentId) this.attached = null;
      },
    };
  }
}

/** A base and a medium that outlive the write logs that are opened on them. */
export class Scene {
  readonly base: Disk;
  medium: Disk;
  readonly mark = new Marked();

  constructor(base = new Disk(256 << 10, SECTOR), medium = new Disk(MEDIUM_BYTES, SECTOR)) {
    this.base = base;
    this.medium = medium;
  }

  /** A write log on both, durable on the medium. */
  open(options: Partial<WriteLogOptions> = {}): Promise<WriteLogDevice> {
    return this.openOver(this.base.open(), options);
  }

  /** The same, over another base. */
  openOver(base: BlockDevice, options: Partial<WriteLogOptions> = {}): Promise<WriteLogDevice> {
    return connectWriteLog(base, { medium: this.medium.open(), durability: 'medium', ...options });
  }

  /** The same, where the base remembers its tier. */
  openMarked(options: Partial<WriteLogOptions> = {}): Promise<WriteLogDevice> {
    return this.open({ mark: this.mark.open(), ...options });
  }
}

/** Writes `count` sectors of a byte. */
export function write(device: BlockDevice, start: number, byte: number, count = 1): Promise<void> {
  return device.write(start, [new Uint8Array(count * device.info.sectorSize).fill(byte)]);
}

/** The byte that a sector is full of; -1 if it is not full of one. */
export async function byteAt(device: BlockDevice, sector: number): Promise<number> {
  const bytes = new Uint8Array(device.info.sectorSize);
  await device.read(sector, [bytes]);
  return bytes.every((byte) => byte === bytes[0]) ? (bytes[0] ?? -1) : -1;
}

/** The process dies: nothing more reaches base or medium. */
export function die(device: BlockDevice): Promise<void> {
  return device.disconnect({ force: true });
}
