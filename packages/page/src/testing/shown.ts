import { connectMemory } from '@blockyard/backend-memory';
import { type CacheDevice, connectCache } from '@blockyard/cache';
import type { Control, Controls, ControlValue } from '../controls.js';
import type { PageLook, PageSource } from '../source.js';
import { StatusWatch } from '../status/index.js';

export const SECTOR = 4096;

const NO_REQUESTS = { read: 0, write: 0, flush: 0, trim: 0, cache: 0, writeZeroes: 0, blockStatus: 0, unknown: 0 };
const NO_CONNECTIONS = { open: 0, accepted: 0, refused: 0, displaced: 0, violations: 0, timedOut: 0, stalled: 0 };

/** What an NBD server tells that no one uses. */
const STATS = {
  connections: NO_CONNECTIONS,
  requests: NO_REQUESTS,
  failures: 0,
  readBytes: 0,
  writtenBytes: 0,
  handOvers: { isUnderWay: false, failed: 0 },
  exports: {},
  requestsInFlight: 0,
  inFlightBytes: 0,
  pooledBytes: 0,
};

/** A cache over memory, and what a page is told of it. */
export interface Shown {
  readonly device: CacheDevice;
  readonly source: PageSource & { looks: number };
}

export async function makeShown(
  sizeSectors: number,
  maxSizeBytes = 8 * 2 ** 20,
  more: Pick<PageLook, 'tier'> = {},
): Promise<Shown> {
  const base = await connectMemory({ sectorSize: SECTOR, sizeSectors });
  const device = await connectCache(base, { maxSizeBytes, lineSize: 16_384, maxDirtyAgeMs: Number.POSITIVE_INFINITY });
  const withSnapshot = Object.assign(device, { cacheSnapshot: () => device.snapshot() });
  const watch = new StatusWatch({
    version: '1',
    exportName: 'disk',
    server: { stats: () => STATS },
    device: () => withSnapshot,
  });
  const source = {
    looks: 0,
    look(): PageLook {
      source.looks++;
      return {
        identity: device,
        info: device.info,
        snapshots: { nbd: STATS, exports: { disk: { cache: device.snapshot() } } },
        status: watch.status(),
        map: (start, count, maxCells) => device.mapSteps(start, count, maxCells),
        ...more,
      };
    },
  };
  return { device, source };
}

/** One control of each kind, which remember what they were set to. */
export function makeControls(): Controls & { readonly done: [string, ControlValue | undefined][] } {
  const done: [string, ControlValue | undefined][] = [];
  const value = (id: string, fallback: ControlValue) => done.filter(([each]) => each === id).at(-1)?.[1] ?? fallback;
  const list = (): Control[] => [
    { id: 'flush', group: 'Now', label: 'Flush', help: 'Makes all durable.', kind: 'action', isEnabled: true },
    {
      id: 'cut',
      group: 'Store',
      label: 'Cut the store off',
      help: 'No request reaches it.',
      kind: 'switch',
      value: value('cut', false),
      isEnabled: true,
    },
    {
      id: 'work',
      group: 'Work',
      label: 'Workload',
      help: 'What clients do.',
      kind: 'choice',
      choices: [
        { value: 'idle', label: 'nothing' },
        { value: 'scan', label: 'a scan' },
      ],
      value: value('work', 'idle'),
      isEnabled: true,
    },
    {
      id: 'size',
      group: 'Work',
      label: 'Cache',
      help: 'Memory that it may take.',
      kind: 'range',
      unit: 'bytes',
      min: 2 ** 20,
      max: 2 ** 26,
      step: 2 ** 20,
      value: value('size', 2 ** 23),
      isEnabled: true,
    },
    {
      id: 'name',
      group: 'Now',
      label: 'Snapshot',
      help: 'Keeps what is there.',
      kind: 'text',
      value: 'one',
      isEnabled: true,
    },
    {
      id: 'roll',
      group: 'Now',
      label: 'Roll back',
      help: 'Goes back to the last snapshot.',
      kind: 'action',
      isEnabled: false,
      why: 'there is no snapshot.',
    },
  ];
  return {
    done,
    list,
    set: async (id, to) => {
      done.push([id, to]);
    },
    story: () => done.map(([id, to]) => `${id} was set to ${to ?? 'nothing'}.`),
  };
}
