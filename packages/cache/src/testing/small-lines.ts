import { LruPolicy } from '../eviction/policy-lru.js';
import { Geometry } from '../lines/geometry.js';
import { Lines } from '../lines/lines.js';
import { Slabs } from '../lines/slabs.js';
import { DirtyLines } from '../unwritten/dirty-lines.js';
import { Epochs } from '../unwritten/epochs.js';
import { SECTOR } from './fixture.js';
import { plain } from './plain.js';

/** Lines of a few sectors, without the rest of the cache. Least recently used leaves first. */
export function smallLines({ lineSectors = 8, slots = 9, groupLines = 1 } = {}) {
  const lineSize = lineSectors * SECTOR;
  const geometry = new Geometry(SECTOR, lineSize, groupLines * lineSize);
  const policy = new LruPolicy({ capacity: slots - 1, maxParked: 1, seed: 1 });
  const epochs = new Epochs();
  const dirtyLines = new DirtyLines(policy.entriesMax, epochs);
  const lines = new Lines(geometry, policy, new Slabs(lineSize, slots), {
    parked: () => {},
    aheadSettled: () => {},
    entriesGrew: () => {},
  });
  return { geometry, epochs, real: { lines, dirtyLines }, lines: plain(lines), dirtyLines: plain(dirtyLines) };
}
