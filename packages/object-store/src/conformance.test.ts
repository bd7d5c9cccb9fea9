import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { type StoreSubject, storeConformance } from './conformance/index.js';
import { openDirectoryStore } from './directory/index.js';
import { FaultyStore } from './faults/index.js';
import { type MemoryObjects, MemoryStore } from './memory-store.js';

const memory: StoreSubject = {
  name: 'memory',
  create: async () => {
    const objects: MemoryObjects = new Map();
    return { open: async () => new MemoryStore({ objects }), dispose: async () => {} };
  },
};

const faultless: StoreSubject = {
  name: 'a store whose requests fare well',
  create: async () => {
    const objects: MemoryObjects = new Map();
    return { open: async () => new FaultyStore(new MemoryStore({ objects })), dispose: async () => {} };
  },
};

const directory: StoreSubject = {
  name: 'a directory',
  create: async () => {
    const path = await mkdtemp(join(tmpdir(), 'blockyard-objects-'));
    return {
      prefix: 'disks/a/',
      open: () => openDirectoryStore({ path, create: true }),
      dispose: () => rm(path, { recursive: true }),
    };
  },
};

for (const subject of [memory, faultless, directory]) storeConformance(subject, { describe, test });
