import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import type { Export } from '../exports/exports.js';
import { kindOf, type RequestKind } from './kind.js';
import type { Request } from './request.js';

/**
 * Name of the tracing channel of `node:diagnostics_channel` that {@link NbdRequest}s are published on: `start` when a request is
 * there with its payload and has its memory, `asyncEnd` when its reply is ready to be sent.
 */
export const NBD_REQUESTS_CHANNEL = 'blockyard:nbd';

/** A request that a server carries out. The same object at both of its events. */
export interface NbdRequest {
  readonly exportName: string;
  /** The name of the device behind it. */
  readonly device: string;
  readonly operation: RequestKind;
  readonly sectorSize: number;
  /** The sectors that it touches: the first, and how many. Undefined where it is about none. */
  readonly start: number | undefined;
  readonly count: number | undefined;
  /** What the device failed it with, once it has. */
  readonly error?: unknown;
}

const channel = tracingChannel<unknown, NbdRequest>(NBD_REQUESTS_CHANNEL);

/** Whether someone listens, or did when the request began: then it is carried out by {@link onBehalfOf}. */
export function isFollowed(request: Request): boolean {
  return request.told !== undefined || channel.start.hasSubscribers;
}

/** Does a part of what a request asks for. Who listens is told of the request before its first part. */
export function onBehalfOf<T>(request: Request, entry: Export, work: () => T): T {
  if (request.told === undefined) {
    if (!channel.start.hasSubscribers) return work();
    const message = messageOf(request, entry);
    const inside = channel.start.runStores(message, () => AsyncLocalStorage.snapshot());
    request.told = { message, inside };
  }
  return request.told.inside(work);
}

/** Its reply is about to be ready. */
export function tellEnd(request: Request, failure?: { readonly error: unknown }): void {
  const { told } = request;
  if (told === undefined) return;
  request.told = undefined;
  channel.asyncEnd.publish(failure === undefined ? told.message : Object.assign(told.message, failure));
}

function messageOf({ command, offsetBytes = 0, lengthBytes = 0 }: Request, { name, device }: Export): NbdRequest {
  const { sectorSize } = device.info;
  const start = Math.floor(offsetBytes / sectorSize);
  const count = Math.ceil((offsetBytes + lengthBytes) / sectorSize) - start;
  const range = lengthBytes === 0 ? { start: undefined, count: undefined } : { start, count };
  return { exportName: name, device: device.info.name, operation: kindOf(command), sectorSize, ...range };
}
