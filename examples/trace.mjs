// What a cache asks of the device below it, seen by a trace: node trace.mjs
import { connectMemory } from '@blockyard/backend-memory';
import { connectCache } from '@blockyard/cache';
import { withDelay, withTrace } from '@blockyard/layers';

const records = [];
const far = withDelay(await connectMemory({ sectorSize: 4096, sizeSectors: 2 ** 16 }), {
  latencyMs: { read: 5, write: 5 },
});
const traced = withTrace(far, (record) => records.push(record));
const disk = await connectCache(traced, { maxSizeBytes: 8 * 2 ** 20 });

// A client that writes 512 sectors, one after the other, several times over, and reads them again.
for (let round = 0; round < 4; round++) {
  for (let sector = 0; sector < 512; sector++) await disk.write(sector, [Buffer.alloc(4096, round)]);
}
await disk.flush();
for (let sector = 0; sector < 512; sector++) await disk.read(sector, [new Uint8Array(4096)]);
await disk.disconnect();

for (const { operation, start = '', count = '', startMs, durationMs } of records) {
  const at = `${(startMs - records[0].startMs).toFixed(1)} ms`;
  console.log(`${at.padStart(10)}  ${operation.padEnd(10)} ${start} ${count}  took ${durationMs.toFixed(1)} ms`);
}
const writes = records.filter(({ operation }) => operation === 'write');
const sectors = writes.reduce((sum, { count }) => sum + count, 0);
const reads = records.filter(({ operation }) => operation === 'read').length;
console.log(`2048 writes of a sector became ${writes.length}, of ${sectors} sectors in all; 512 reads became ${reads}`);
