// The worker: a volume in the browser's private file system, with the cache in front of it.
import { connectOpfs, createOpfs } from '@blockyard/backend-opfs';
import { isBlockError } from '@blockyard/block';
import { connectCache } from '@blockyard/cache';

const FILL_BYTES = 64 * 2 ** 20;

await createOpfs({ name: 'disk', sizeSectors: 2 ** 20 }).catch((error) => {
  if (!isBlockError(error, 'ALREADY_EXISTS')) throw error;
});
const disk = await connectCache(await connectOpfs({ name: 'disk' }), { maxSizeBytes: 16 * 2 ** 20 });
const { name, sectorSize, sizeSectors } = disk.info;
postMessage({ info: `${name}: ${sizeSectors} sectors of ${sectorSize} bytes` });

const actions = {
  async read({ sector }) {
    const bytes = new Uint8Array(sectorSize);
    await disk.read(sector, [bytes]);
    const end = bytes.indexOf(0);
    return {
      text: new TextDecoder().decode(bytes.subarray(0, end < 0 ? sectorSize : end)),
      said: `read sector ${sector}`,
    };
  },
  async write({ sector, text }) {
    const bytes = new Uint8Array(sectorSize);
    new TextEncoder().encodeInto(text, bytes);
    await disk.write(sector, [bytes]);
    return { said: `wrote sector ${sector}; ${disk.snapshot().dirtyBytes} bytes are dirty` };
  },
  async flush() {
    await disk.flush(); // from here on a closed tab cannot take it away
    return { said: `flushed; ${disk.snapshot().dirtyBytes} bytes are dirty` };
  },
  async fill() {
    const [buffer, beginMs] = [new Uint8Array(2 ** 20).fill(1), performance.now()];
    for (let at = 0; at < FILL_BYTES; at += buffer.byteLength) await disk.write(1024 + at / sectorSize, [buffer]);
    await disk.flush();
    return { said: `${Math.round(FILL_BYTES / 1000 / (performance.now() - beginMs))} MB/s` };
  },
};

addEventListener('message', async ({ data }) => {
  try {
    postMessage(await actions[data.action](data));
  } catch (error) {
    postMessage({ said: error.message });
  }
});
