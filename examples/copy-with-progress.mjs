// Copies a device to an image file, with a line of progress, and can be stopped: node copy-with-progress.mjs TARGET
import { connectFile } from '@blockyard/backend-file';
import { connectMemory } from '@blockyard/backend-memory';
import { compare, copy, isBlockError } from '@blockyard/block';

const [, , path = 'copy.img'] = process.argv;

// 256 MiB, of which 32 are data: what the source knows to be zero is neither read nor written.
const source = await connectMemory({ sectorSize: 4096, sizeSectors: 2 ** 16 });
for (let block = 0; block < 32; block++) await source.write(block * 2048, [Buffer.alloc(2 ** 20, `block ${block} `)]);
const target = await connectFile({ path, sectorSize: 4096, create: { sizeSectors: 2 ** 16 } });

const stop = new AbortController();
process.once('SIGINT', () => stop.abort()); // the copy settles once what is in flight has

try {
  const result = await copy(source, target, {
    signal: stop.signal,
    onProgress({ copiedBytes, zeroBytes, totalBytes }) {
      const percent = Math.floor((100 * (copiedBytes + zeroBytes)) / totalBytes);
      process.stdout.write(`\r${percent} %: ${copiedBytes} bytes copied, ${zeroBytes} known to be zero`);
    },
  });
  process.stdout.write('\n');
  const { equal } = await compare(source, target);
  console.log(equal ? `${path} is the same, after ${result.copiedBytes} bytes` : `${path} differs`);
} catch (error) {
  if (!isBlockError(error, 'ABORTED')) throw error;
  console.log('\nstopped: the target has a part of it');
}
await target.disconnect();
await source.disconnect();
