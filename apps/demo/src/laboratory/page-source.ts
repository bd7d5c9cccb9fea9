import type { PageSource } from '@blockyard/page';
import type { Laboratory } from './laboratory.js';

/** What the page shows of a laboratory: the device of the process that serves it now, whichever that is. */
export function sourceOf({ bench }: Pick<Laboratory, 'bench'>): PageSource {
  return {
    async look() {
      const look = await bench.look();
      if (look === undefined) return undefined;
      const { info, snapshots, status, hasCache } = look;
      return {
        identity: bench.openings,
        info,
        snapshots,
        status,
        map: hasCache ? (start, count, maxCells) => bench.map({ start, count, maxCells }) : undefined,
      };
    },
  };
}
