// A machine booted from a block device over NBD: node boot-over-nbd.mjs
//
// The disk has a boot sector that reads the second sector, says on the serial port what is in it, writes it to the third one and
// turns the machine off. Any device would do, and any image: copy one to it, and leave the boot sector to that.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connectMemory } from '@blockyard/backend-memory';
import { connectCache } from '@blockyard/cache';
import { serveNbd } from '@blockyard/nbd';

const BOOT_CODE = Buffer.from(
  [
    '31c0 8ed8 8ec0 bb007e', // data and extra segment 0; the buffer is at 0x7e00
    'b80102 b90200 b600 cd13', // BIOS: read one sector, cylinder 0, sector 2, head 0
    'b80103 b90300 cd13', // BIOS: write it to sector 3
    'be007e baf803', // from the buffer to the first serial port:
    'ac 84c0 7403 ee ebf8', // each byte until a zero
    'baf400 ee f4', // turn off, by the port of isa-debug-exit
  ]
    .join('')
    .replaceAll(' ', ''),
  'hex',
);
const GREETING = 'hello from the second sector\n';

const disk = await connectCache(await connectMemory({ sectorSize: 512, sizeSectors: 2 ** 16 }));
const boot = Buffer.alloc(512);
boot.set(BOOT_CODE);
boot.writeUInt16LE(0xaa55, 510);
await disk.write(0, [boot, Buffer.alloc(512, `${GREETING}\0`.padEnd(512, '\0'))]);

const folder = await mkdtemp(join(tmpdir(), 'boot-'));
const socket = join(folder, 'disk.sock');
const server = await serveNbd({ exports: { disk }, listen: { path: socket } });

const program = 'qemu-system-x86_64';
const machine = ['-accel', 'tcg', '-m', '32', '-display', 'none', '-nic', 'none', '-no-reboot', '-serial', 'stdio'];
const exit = ['-device', 'isa-debug-exit,iobase=0xf4,iosize=1'];
const drive = ['-drive', `format=raw,file=nbd+unix:///disk?socket=${socket}`];
console.log(`$ ${program} ${[...machine, ...exit, ...drive].join(' ')}`);

try {
  const said = await promisify(execFile)(program, [...machine, ...exit, ...drive], { timeout: 60_000 }).catch(
    (error) => {
      // isa-debug-exit makes an odd exit code of what was written to it.
      if (error.code === 1 && error.stdout !== '') return error;
      throw error;
    },
  );
  console.log(`the machine says: ${said.stdout.trim()}`);
  const third = Buffer.alloc(512);
  await disk.read(2, [third]);
  assert.equal(third.toString('latin1', 0, GREETING.length), GREETING);
  console.log('and has written the third sector');
} catch (error) {
  if (error.code !== 'ENOENT') throw error;
  console.log(`${program} is not installed`);
} finally {
  await server.stop();
  await disk.disconnect();
  await rm(folder, { recursive: true });
}
