import { type BlockDevice, OPERATIONS, type Operation } from '@blockyard/block';

const METHODS = [...OPERATIONS, 'writeDurably', Symbol.asyncDispose] as const;

/** Calls that a message names; the others are counted. */
const CALLS_NAMED_MAX = 5;

/** Describes a call that has not settled. It is called only where the description is needed. */
type Call = () => string;

/** Knows which calls of a case have not settled, so that the message of a hang can name them. */
export class InFlight {
  readonly #calls = new Set<Call>();

  /** Follows a call until it settles. Gives what the call gives. */
  follow<T>(promise: Promise<T>, describe: Call): Promise<T> {
    this.#calls.add(describe);
    const settled = () => {
      this.#calls.delete(describe);
    };
    promise.then(settled, settled);
    return promise;
  }

  /** The device, with its operations followed: the same results, errors and promises. */
  watch(device: BlockDevice): BlockDevice {
    const call = (operation: keyof BlockDevice, args: readonly unknown[]): unknown => {
      const result: unknown = Reflect.apply(device[operation] as (...args: unknown[]) => unknown, device, args);
      if (!(result instanceof Promise)) return result;
      return this.follow(result, () => describeCall(operation, args, device.info.sectorSize));
    };
    const watched = new Map(METHODS.map((operation) => [operation, (...args: unknown[]) => call(operation, args)]));
    return new Proxy(device, {
      get(_, property) {
        const value: unknown = Reflect.get(device, property);
        const operation = watched.get(property as Operation);
        // What a device need not have is not there where it has none.
        if (operation !== undefined && value !== undefined) return operation;
        return typeof value === 'function' ? value.bind(device) : value;
      },
    });
  }

  /** The calls that have not settled, in the order in which they were made. */
  describe(): string {
    const calls = [...this.#calls];
    if (calls.length === 0) return 'although no operation is in flight';
    const named = calls.slice(0, CALLS_NAMED_MAX).map((describe) => describe());
    const left = calls.length - named.length;
    return `these have not settled: ${named.join(', ')}${left > 0 ? ` and ${left} more` : ''}`;
  }
}

function describeCall(operation: keyof BlockDevice, args: readonly unknown[], sectorSize: number): string {
  const [first, second] = args;
  switch (operation) {
    case 'read':
    case 'write':
    case 'writeDurably':
      return `${operation} of ${describeRange(first, sectorsOf(second, sectorSize))}`;
    case 'discard':
    case 'writeZeroes':
    case 'extents':
      return `${operation} of ${describeRange(first, second)}`;
    case 'resize':
      return `resize to ${String(first)} sectors`;
    case 'flush':
      return isRange(first) ? `flush of ${describeRange(first.start, first.count)}` : 'flush';
    default:
      return isForced(first) ? 'disconnect by force' : 'disconnect';
  }
}

function describeRange(start: unknown, count: unknown): string {
  if (typeof start !== 'number' || typeof count !== 'number') return `${String(count)} sectors from ${String(start)}`;
  return count === 1 ? `sector ${start}` : `sectors ${start} to ${start + count - 1}`;
}

function sectorsOf(buffers: unknown, sectorSize: number): unknown {
  if (!Array.isArray(buffers)) return undefined;
  return buffers.reduce((sum: number, buffer: Uint8Array) => sum + buffer.byteLength, 0) / sectorSize;
}

function isRange(value: unknown): value is { readonly start: unknown; readonly count: unknown } {
  return typeof value === 'object' && value !== null && 'start' in value && 'count' in value;
}

function isForced(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'force' in value && value.force === true;
}
