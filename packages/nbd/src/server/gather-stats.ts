import type { Connection } from './connection.js';
import type { Connections } from './connections.js';
import type { Shared } from './shared.js';
import { type ServerStats, totalOf } from './stats.js';

/** What the server tells: its counters, and what its connections and its memory are at this moment. */
export function gatherStats(shared: Shared, connections: Connections, isHandingOver: boolean): ServerStats {
  const { budget, pool, counters } = shared;
  const { accepted, refused, displaced, violations, timedOut, stalled, failedHandOvers } = counters;
  const exports = shared.exports.all().map(({ name }) => {
    const clients = connections.of(name);
    const now = { connections: clients.length, requestsInFlight: outstandingOf(clients) };
    return [name, counters.of(name).stats(now)] as const;
  });
  return {
    connections: { open: connections.size, accepted, refused, displaced, violations, timedOut, stalled },
    handOvers: { isUnderWay: isHandingOver, failed: failedHandOvers },
    ...totalOf(exports.map(([, stats]) => stats)),
    exports: Object.fromEntries(exports),
    requestsInFlight: outstandingOf([...connections]),
    inFlightBytes: budget.usedBytes,
    pooledBytes: pool.idleBytes,
  };
}

function outstandingOf(connections: readonly Connection[]): number {
  return connections.reduce((sum, { outstanding }) => sum + outstanding, 0);
}
