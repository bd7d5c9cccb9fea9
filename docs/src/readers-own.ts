const BLOCK = `import('@blockyard/block')`;
const STORE = `declare const store: import('@blockyard/object-store').ObjectStore`;
const VOLUME = `declare const volume: ${BLOCK}.BlockDevice`;
const VOLUME_ID = 'declare const volumeId: string';
const SUBJECT = `import('@blockyard/conformance').Subject`;
const ROOTS = `import('@blockyard/volume-root')`;

/**
 * What programs leave to the reader, a volume, a store or an idea of one's own, by page: a declaration each. What a package has,
 * a program imports for itself.
 */
const READERS_OWN: Readonly<Record<string, readonly string[]>> = {
  'packages/block/README.md': [
    `declare const driver: ${BLOCK}.BlockDriver`,
    `declare const backup: ${BLOCK}.BlockDevice`,
    'declare const range: { readonly start: number; readonly count: number }',
    'declare function objectsIn(place: typeof range): Iterable<string>',
    'declare function fetchObject(key: string): Promise<void>',
  ],
  'packages/browser-testing/README.md': ['declare const url: string'],
  'packages/cache/README.md': [VOLUME, `declare const disk: import('@blockyard/cache').CacheDevice`],
  'packages/conformance/README.md': [
    `declare const create: ${SUBJECT}['create']`,
    `declare const describe: import('@blockyard/conformance').Runner['describe']`,
    `declare const it: import('@blockyard/conformance').Runner['test']`,
    `declare const subject: ${SUBJECT} & import('@blockyard/conformance/simulator').SimulationSubject`,
    `declare function myLayer(base: ${BLOCK}.BlockDevice): Promise<${BLOCK}.BlockDevice>`,
    `declare function myCache(base: ${BLOCK}.BlockDevice): Promise<${BLOCK}.BlockDevice>`,
    `declare function connectMyCache(base: ${BLOCK}.BlockDevice, options: { readonly clock: ${BLOCK}.Clock }): Promise<${BLOCK}.BlockDevice>`,
    `declare function connectMyLog(options: { readonly store: MyStore; readonly readOnly?: boolean }): Promise<${BLOCK}.BlockDevice>`,
    'declare class MyPut { private readonly key: string }',
    `declare class MyStore {
      constructor(objects: ReadonlyMap<string, Uint8Array>);
      readonly objects: ReadonlyMap<string, Uint8Array>;
      readonly onTheirWay: readonly MyPut[];
      apply(put: MyPut): void;
    }`,
    `declare function inspect(device: ${BLOCK}.BlockDevice): Promise<void>`,
  ],
  'packages/object-cache/README.md': [STORE, VOLUME_ID],
  'packages/uri/README.md': [
    `declare function connectTape(options: { readonly path: string; readonly readOnly: boolean }): Promise<${BLOCK}.BlockDevice>`,
    'declare function createTape(options: { readonly path: string; readonly sizeBytes: number }): Promise<void>',
  ],
  'packages/volume-root/README.md': [
    STORE,
    `declare const clock: ${ROOTS}.VolumeClock`,
    'declare const leaseMs: number',
    `declare const ROOT_FORMAT: ${ROOTS}.RootFormat<${ROOTS}.OwnedRoot>`,
  ],
  'packages/warm-start/README.md': [VOLUME, VOLUME_ID],
  'packages/write-log/README.md': [STORE, VOLUME_ID],
};

/** Declarations of what a program on a page uses of that, on one line: not of what it makes or imports for itself. */
export function readersOwn(page: string, code: string): string {
  const wanted = (READERS_OWN[page] ?? []).filter((declaration) => {
    const name = /^declare \w+ (\w+)/.exec(declaration)?.[1];
    return new RegExp(`\\b${name}\\b`).test(code) && !new RegExp(`(\\bconst |^import .*\\b)${name}\\b`, 'm').test(code);
  });
  return wanted.map((declaration) => `${declaration}; `.replace(/\s+/g, ' ')).join('');
}
