import type { Backend, Settings } from '../inputs/settings.js';
import type { Cleanup } from '../process/cleanup.js';
import { filePlace } from './file.js';
import { memoryPlace } from './memory.js';
import type { Place } from './place.js';
import { s3Place } from './s3.js';

/** Readies a backend. What it starts or makes, `cleanup` stops and removes. */
export async function openPlace(backend: Backend, { s3 }: Settings, cleanup: Cleanup): Promise<Place> {
  switch (backend) {
    case 'memory':
      return memoryPlace;
    case 'file':
      return filePlace(cleanup);
    case 's3':
      return s3Place(s3, cleanup);
  }
}
