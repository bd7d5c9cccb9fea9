import { type Saboteur, saboteur } from './saboteur.js';

export const fragmentSaboteurs: readonly Saboteur[] = [
  saboteur('Z4', 'leaves the last sector out of its fragments', () => ({
    fragments: (start, count) => [{ start, count: count - 1, request: 1 }],
  })),
  saboteur('Z4', 'tells its fragments request by request', () => ({
    fragments: (start, count) => {
      if (count < 3) return undefined;
      return [
        { start, count: 1, request: 1 },
        { start: start + 2, count: count - 2, request: 1 },
        { start: start + 1, count: 1, request: 2 },
      ];
    },
  })),
  saboteur('Z4', 'throws where it is asked for fragments past its end', (good) => ({
    fragments: (start, count) => {
      if (start + count > good.info.sizeSectors) throw new RangeError('there is no such sector');
      return [{ start, count, request: 1 }];
    },
  })),
  saboteur('Z4', 'fills the first of the reads that begin at once with what the last one asks for', (good) => {
    let first: readonly Uint8Array[] | undefined;
    return {
      fragments: (start, count) =>
        Array.from({ length: count }, (_, i) => ({ start: start + i, count: 1, request: 1 })),
      async read(start, buffers) {
        const mine = first ?? buffers;
        first = mine;
        await good.read(start, buffers);
        if (mine !== buffers && mine[0]?.byteLength === buffers[0]?.byteLength) mine[0]?.set(buffers[0] ?? []);
        first = undefined;
      },
    };
  }),
];
