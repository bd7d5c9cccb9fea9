import type { ExportStats, ServerStats } from '@blockyard/nbd';
import { byLabel, type Definition } from './definition.js';

const OPERATION = ['operation'];

/** The NBD server as a whole. */
export const NBD: readonly Definition<ServerStats>[] = [
  {
    name: 'blockyard_nbd_connections',
    type: 'gauge',
    help: 'Clients that are connected, those in the handshake too.',
    of: ({ connections }) => connections.open,
  },
  {
    name: 'blockyard_nbd_connections_total',
    type: 'counter',
    help: 'Connections by what became of them: accepted; refused or displaced for want of a place; ended for a violation of the protocol, a handshake that took too long, or standing still while others were short of memory.',
    labels: ['outcome'],
    of: ({ connections: { accepted, refused, displaced, violations, timedOut, stalled } }) =>
      byLabel('outcome', { accepted, refused, displaced, violation: violations, timed_out: timedOut, stalled }),
  },
  {
    name: 'blockyard_nbd_handing_over',
    type: 'gauge',
    help: '1 while another process is to take over, as in an upgrade; else 0.',
    of: ({ handOvers }) => Number(handOvers.isUnderWay),
  },
  {
    name: 'blockyard_nbd_failed_hand_overs_total',
    type: 'counter',
    help: 'Times that it could not, and this process went on.',
    of: ({ handOvers }) => handOvers.failed,
  },
  {
    name: 'blockyard_nbd_in_flight_bytes',
    type: 'gauge',
    help: 'Memory for requests and replies.',
    of: ({ inFlightBytes }) => inFlightBytes,
  },
  {
    name: 'blockyard_nbd_pooled_bytes',
    type: 'gauge',
    help: 'Memory that is kept for the next requests.',
    of: ({ pooledBytes }) => pooledBytes,
  },
];

/** One export of the server. */
export const NBD_EXPORT: readonly Definition<ExportStats>[] = [
  {
    name: 'blockyard_nbd_export_connections',
    type: 'gauge',
    help: 'Clients that have chosen the export.',
    of: ({ connections }) => connections,
  },
  {
    name: 'blockyard_nbd_requests_total',
    type: 'counter',
    help: 'Requests that were read, by kind.',
    labels: OPERATION,
    of: ({ requests }) =>
      Object.entries(requests).map(([kind, count]) => [{ operation: operationOf(kind) }, count] as const),
  },
  {
    name: 'blockyard_nbd_request_failures_total',
    type: 'counter',
    help: 'Requests that the device failed.',
    of: ({ failures }) => failures,
  },
  {
    name: 'blockyard_nbd_request_bytes_total',
    type: 'counter',
    help: 'Bytes that clients asked to read and to write.',
    labels: OPERATION,
    of: ({ readBytes, writtenBytes }) => byLabel('operation', { read: readBytes, write: writtenBytes }),
  },
  {
    name: 'blockyard_nbd_requests_in_flight',
    type: 'gauge',
    help: 'Requests read and not answered.',
    of: ({ requestsInFlight }) => requestsInFlight,
  },
  {
    name: 'blockyard_nbd_request_duration_seconds',
    type: 'histogram',
    help: 'How long requests took, the failed ones too, from when they are there with their payload until their reply is ready.',
    labels: OPERATION,
    of: ({ durations }) =>
      Object.entries(durations).map(([kind, counts]) => [{ operation: operationOf(kind) }, counts] as const),
  },
];

/** `writeZeroes` as `write_zeroes`. */
function operationOf(kind: string): string {
  return kind.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
