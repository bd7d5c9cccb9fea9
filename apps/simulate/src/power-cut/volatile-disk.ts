/**
 * A disk in memory that loses power: `fork('volatile-disk.js', [FOLDER, SIZE_BYTES, SEED, LIES])`, an NBD export at the socket
 * that it tells. Told to cut, it answers nothing more, loses what a disk may (any sector of any write that no flush has made
 * durable), and tells the socket at which it is there again. One that lies says of every flush that it is done, and does none.
 */
import { join } from 'node:path';
import { type BlockDevice, BlockError, createDevice } from '@blockyard/block';
import { drawCrashState, Random } from '@blockyard/conformance/simulator';
import { createRecording, openCrashState, type Recording } from '@blockyard/conformance/testing';
import { type NbdServer, serveNbd } from '@blockyard/nbd';

/** What a disk promises to write whole. */
const SECTOR_BYTES = 512;

const [, , folder = '', sizeBytes = '0', seed = '1', lies = ''] = process.argv;
const random = new Random(Number(seed));
let recording = createRecording({ sectorSize: SECTOR_BYTES, sizeSectors: Number(sizeBytes) / SECTOR_BYTES });
let powered = new AbortController();
let server: NbdServer | undefined;
let cuts = 0;

process.on('message', (message) => {
  if (message === 'cut') void cut();
});
process.on('disconnect', () => process.exit());
await turnOn();

async function cut(): Promise<void> {
  powered.abort();
  const state = drawCrashState(recording.medium, random);
  await server?.stop().catch(() => {});
  recording = openCrashState(state);
  cuts++;
  await turnOn();
}

async function turnOn(): Promise<void> {
  powered = new AbortController();
  const path = join(folder, `disk-${cuts}.sock`);
  server = await serveNbd({ exports: { disk: volatile(recording, powered.signal) }, listen: { path } });
  process.send?.({ socket: path });
}

/** The disk, until the power fails. */
function volatile({ device }: Recording, isOff: AbortSignal): BlockDevice {
  const on = () => {
    if (isOff.aborted) throw new BlockError('IO', 'there is no power');
    return device;
  };
  return createDevice({
    name: 'volatile',
    sectorSize: SECTOR_BYTES,
    sizeSectors: device.info.sizeSectors,
    atomicSectors: true,
    read: async (start, buffers) => on().read(start, buffers),
    write: async (start, buffers) => on().write(start, buffers),
    writeZeroes: async (start, count) => on().writeZeroes(start, count),
    flush: async () => {
      if (lies !== 'lies') await on().flush();
      on();
    },
    resize: () => Promise.reject(new BlockError('UNSUPPORTED', 'a disk has the size that it has')),
    disconnect: () => {},
  });
}
