/** Resident memory of the process over random mixed I/O through a cache, against its budget. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { connectMemory } from '@blockyard/backend-memory';
import { connectCache } from '@blockyard/cache';
import { withFaults } from '@blockyard/layers';
import { Command } from 'commander';
import { randomFrom } from './random.js';

const MIB = 2 ** 20;
const SECTOR = 4096;
const DEPTH = 16;
const DURABILITY = 'none: the base keeps nothing';
const REQUEST_SECTORS_MAX = 64;
/** What a process that has done anything keeps above its start. */
const BACK_MIB = 20;
/** Half seconds. */
const WAITS_MAX = 30;

const program = new Command('rss')
  .description('Resident memory over random mixed I/O')
  .option('--budget-mib <n>', 'the budget of the cache', Number, 256)
  .option('--traffic-gib <n>', 'bytes to move', Number, 10)
  .option('--device-mib <n>', 'size of the device; its content stays sparse', Number, 4096)
  .option('--failing', 'every tenth write of the base fails')
  .option('--json', 'print JSON')
  .option(
    '--check',
    'exit with 1 if more than the budget and 100 MiB come on top of the start, or memory does not come back',
  );
program.parse();
const options = program.opts<{
  budgetMib: number;
  trafficGib: number;
  deviceMib: number;
  failing?: true;
  json?: true;
  check?: true;
}>();
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const startMib = rssMib();
const result = await run();
// The engine keeps the memory of its young objects for some seconds after the last of them.
for (let waits = 0; waits < WAITS_MAX && rssMib() > startMib + BACK_MIB; waits++) {
  collect();
  await new Promise((resolve) => setTimeout(resolve, 500));
}
const report = { budgetMib: options.budgetMib, startMib, ...result, endMib: rssMib() };
const isWithin = report.maxMib - startMib <= options.budgetMib + 100 && report.endMib - startMib <= BACK_MIB;
if (options.json) console.log(JSON.stringify({ durability: DURABILITY, ...report, isWithin }, undefined, 2));
else {
  const { maxMib, heldMaxMib, endMib } = report;
  console.log(
    `budget ${options.budgetMib} MiB; start ${startMib} MiB, at most ${maxMib} MiB, end ${endMib} MiB; the cache says ${heldMaxMib} MiB (durability class: ${DURABILITY})`,
  );
}
if (options.check && !isWithin) process.exitCode = 1;

/** Everything that holds memory lives in here, so that nothing is left when it returns. */
async function run(): Promise<{ maxMib: number; heldMaxMib: number }> {
  // The base keeps nothing: its memory would be measured too.
  const sizeSectors = (options.deviceMib * MIB) / SECTOR;
  const memory = await connectMemory({ sectorSize: SECTOR, sizeSectors });
  const rules = [{ operation: 'write' as const, action: 'lie' as const, probability: 1 }];
  const failing = [{ operation: 'write' as const, action: 'failBefore' as const, probability: 0.1 }];
  const base = withFaults(memory, { seed: 1, rules: options.failing ? [...failing, ...rules] : rules });
  const cache = await connectCache(base, { maxSizeBytes: options.budgetMib * MIB });
  const random = randomFrom(3);
  let left = options.trafficGib * 1024 * MIB;
  let maxMib = 0;
  let heldMaxMib = 0;
  const worker = async () => {
    const buffer = new Uint8Array(REQUEST_SECTORS_MAX * SECTOR).fill(1);
    for (let i = 0; left > 0; i++) {
      const count = 1 + Math.floor(random() * REQUEST_SECTORS_MAX);
      const start = Math.floor(random() * (sizeSectors - count));
      const view = [buffer.subarray(0, count * SECTOR)];
      left -= count * SECTOR;
      try {
        if (random() < 0.5) await cache.read(start, view);
        else await cache.write(start, view);
      } catch (error) {
        if (!options.failing) throw error;
      }
      if (i % 64 === 0) {
        maxMib = Math.max(maxMib, rssMib());
        heldMaxMib = Math.max(heldMaxMib, Math.ceil(cache.snapshot().heldBytes / MIB));
      }
    }
  };
  await Promise.all(Array.from({ length: DEPTH }, worker));
  await cache.disconnect({ force: true });
  return { maxMib, heldMaxMib };
}

function rssMib(): number {
  return Math.round(process.memoryUsage.rss() / MIB);
}
