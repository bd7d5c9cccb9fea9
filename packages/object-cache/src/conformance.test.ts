import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectFile } from '@blockyard/backend-file';
import { connectMemory } from '@blockyard/backend-memory';
import type { BlockDevice } from '@blockyard/block';
import { type MemoryObjects, MemoryStore } from '@blockyard/object-store';
import { storeConformance } from '@blockyard/object-store/conformance';
import { describe, test } from 'vitest';
import { type CachedObjectStore, connectObjectCache } from './index.js';

const SIZE_BYTES = 64 << 20;

interface Kind {
  readonly name: string;
  readonly connect: (directory: string, number: number) => Promise<BlockDevice>;
  readonly scopes: readonly { readonly prefix: string; readonly id: string }[];
}

const memory = (sectorSize: number) => () => connectMemory({ sectorSize, sizeSectors: SIZE_BYTES / sectorSize });
const file = (sectorSize: number) => (directory: string, number: number) =>
  connectFile({
    path: join(directory, `medium-${number}`),
    sectorSize,
    create: { sizeSectors: SIZE_BYTES / sectorSize },
  });

const everything = [{ prefix: '', id: 'all' }];
const kinds: readonly Kind[] = [
  ...[512, 4096, 65_536].flatMap((size) => [
    { name: `memory, sectors of ${size} bytes`, connect: memory(size), scopes: everything },
    { name: `a file, sectors of ${size} bytes`, connect: file(size), scopes: everything },
  ]),
  { name: 'memory, no key in a scope', connect: memory(4096), scopes: [{ prefix: 'elsewhere/', id: 'all' }] },
];

for (const { name, connect, scopes } of kinds) {
  storeConformance(
    {
      name: `An object cache on ${name}`,
      keepsObjects: true,
      create: async () => {
        const objects: MemoryObjects = new Map();
        const directory = await mkdtemp(join(tmpdir(), 'blockyard-object-cache-'));
        const opened: CachedObjectStore[] = [];
        const open = async () => {
          const medium = await connect(directory, opened.length);
          const store = await connectObjectCache({ store: new MemoryStore({ objects }), medium, scopes });
          opened.push(store);
          return store;
        };
        const dispose = async () => {
          await Promise.all(opened.map(({ ended }) => ended));
          await rm(directory, { recursive: true });
        };
        return { open, dispose };
      },
    },
    { describe, test },
  );
}
