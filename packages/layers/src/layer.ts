import {
  type BlockDevice,
  type BlockDriver,
  byteLengthOf,
  createDevice,
  type DeviceInfo,
  OPERATIONS,
  type Operation,
  type SectorRange,
} from '@blockyard/block';

/** What an operation is called with. */
export type Args<O extends Operation> = Parameters<BlockDevice[O]>;

/** What it resolves with. */
export type Result<O extends Operation> = Results[O];
type Results = { [O in Operation]: Awaited<ReturnType<BlockDevice[O]>> };

/** Carries a call on to the base. */
export type Send<O extends Operation> = (args: Args<O>) => Promise<Result<O>>;

/**
 * What a layer does with every call on its way to the base. It gets them all, forced disconnects included, whatever operations
 * the contract has or will have.
 */
export type Intercept = <O extends Operation>(operation: O, args: Args<O>, send: Send<O>) => Promise<Result<O>>;

/** What every layer can be told. */
export interface LayerOptions {
  /** Whether disconnecting the layer disconnects the base. Default: true, except for a partition. */
  readonly ownsBase?: boolean;
}

/** What makes a layer. */
export interface LayerSpec {
  /** Stands in front of the base's name: `delay(memory)`. */
  readonly name: string;
  readonly ownsBase: boolean;
  readonly intercept: Intercept;
  /** Where these differ from the base's. */
  readonly info?: Partial<Pick<DeviceInfo, 'name' | 'sizeSectors' | 'readOnly'>>;
  /** The sector of the base that is the layer's first. Default: 0. */
  readonly firstSector?: number;
  /** Whether what the base lends may be lent on. Default: false, since what is borrowed bypasses `intercept`. */
  readonly lends?: boolean;
  /** Whether `intercept` holds calls back, so that reads that begin at once reach the base one by one. Default: false. */
  readonly delays?: boolean;
}

/**
 * Which sectors a call is about; undefined for calls that are about the device. From here every layer forwards: an operation
 * that the contract has and this table has not does not compile.
 */
const RANGES: { readonly [O in Operation]: (args: Args<O>, sectorSize: number) => SectorRange | undefined } = {
  read: ([start, buffers], sectorSize) => ({ start, count: byteLengthOf(buffers) / sectorSize }),
  write: ([start, buffers], sectorSize) => ({ start, count: byteLengthOf(buffers) / sectorSize }),
  flush: ([range]) => range,
  resize: () => undefined,
  discard: ([start, count]) => ({ start, count }),
  writeZeroes: ([start, count]) => ({ start, count }),
  extents: ([start, count]) => ({ start, count }),
  disconnect: () => undefined,
};

/** The sectors that a call is about, if it is about any. */
export function rangeOf<O extends Operation>(operation: O, args: Args<O>, sectorSize: number): SectorRange | undefined {
  return RANGES[operation](args, sectorSize);
}

/** Whether a call is a disconnect that must not be held up or made to fail. */
export function isForced<O extends Operation>(operation: O, args: Args<O>): boolean {
  if (operation !== 'disconnect') return false;
  const [options] = args as Args<'disconnect'>;
  return options?.force === true;
}

/**
 * A device that hands every call through `intercept` to `base`. It has the base's native operations and no others; what is
 * emulated is emulated here, by calls that pass `intercept` too.
 */
export function createLayer(
  base: BlockDevice,
  { name, ownsBase, intercept, info = {}, firstSector = 0, lends = false, delays = false }: LayerSpec,
): BlockDevice {
  const { sectorSize, sizeSectors, readOnly, preferredIoBytes } = base.info;
  const methods = OPERATIONS.filter((operation) => isOffered(base, operation)).map((operation) => {
    const send = sendTo(base, operation, ownsBase);
    return [operation, (...args: Args<typeof operation>) => intercept(operation, args, send)] as const;
  });
  return createDevice({
    name: `${name}(${base.info.name})`,
    sectorSize,
    sizeSectors,
    readOnly,
    preferredIoBytes,
    // The base keeps what overlaps apart.
    atomicSectors: true,
    lost: base.lost,
    ...info,
    ...(lends ? { lend: (start, count) => base.lend?.(firstSector + start, count) } : {}),
    ...(delays || base.fragments === undefined ? {} : { fragments: fragmentsOf(base, firstSector) }),
    ...(Object.fromEntries(methods) as unknown as Pick<BlockDriver, Operation>),
  });
}

/** What the base tells of fragments, in sectors of the layer. */
function fragmentsOf(base: BlockDevice, firstSector: number): NonNullable<BlockDriver['fragments']> {
  return (start, count) => {
    const fragments = base.fragments?.(firstSector + start, count);
    return fragments?.map((fragment) => ({ ...fragment, start: fragment.start - firstSector }));
  };
}

/** Whether the base carries the operation out itself, or the contract leaves it no choice. */
function isOffered(base: BlockDevice, operation: Operation): boolean {
  const native: Readonly<Partial<Record<Operation, boolean>>> = base.info.native;
  return native[operation] ?? true;
}

function sendTo<O extends Operation>(base: BlockDevice, operation: O, ownsBase: boolean): Send<O> {
  if (operation === 'disconnect' && !ownsBase) return async () => undefined as Result<O>;
  // The compiler does not see that one operation's method takes the same operation's arguments.
  const method = base[operation] as (...args: Args<O>) => Promise<Result<O>>;
  return (args) => method.apply(base, args);
}
