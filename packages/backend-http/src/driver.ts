import { type BlockDriver, BlockError, byteLengthOf, sliceBuffers } from '@blockyard/block';
import { forEachParallel } from '@blockyard/block/async';
import type { Content } from './content.js';
import type { CheckedOptions } from './options.js';

/** Below it the way there takes longer than the transfer. */
const IO_BYTES = 2 ** 20;

export class HttpDriver implements BlockDriver {
  readonly name: string;
  readonly sectorSize: number;
  readonly sizeSectors: number;
  readonly readOnly = true;
  readonly preferredIoBytes: number;
  /** Nothing changes, so that nothing is torn. */
  readonly atomicSectors = true;
  readonly #content: Content;
  readonly #options: CheckedOptions;

  constructor(name: string, content: Content, options: CheckedOptions) {
    const { sectorSize } = options;
    this.name = name;
    this.sectorSize = sectorSize;
    this.sizeSectors = Math.ceil(content.facts.sizeBytes / sectorSize);
    this.preferredIoBytes = Math.max(IO_BYTES, sectorSize);
    this.#content = content;
    this.#options = options;
  }

  async read(start: number, buffers: readonly Uint8Array[]): Promise<void> {
    const { sizeBytes } = this.#content.facts;
    const { maxConcurrency, maxRequestBytes } = this.#options;
    const offset = start * this.sectorSize;
    const length = byteLengthOf(buffers);
    const presentBytes = Math.min(length, sizeBytes - offset);
    for (const view of sliceBuffers(buffers, presentBytes, length - presentBytes)) view.fill(0);
    await forEachParallel(partsOf(presentBytes, maxRequestBytes), { maxConcurrency }, ({ at, bytes }) =>
      this.#content.read(offset + at, sliceBuffers(buffers, at, bytes)),
    );
  }

  write(): never {
    throw readOnly();
  }

  resize(): never {
    throw readOnly();
  }

  flush(): void {}

  disconnect(): void {
    this.#content.stop();
  }
}

function* partsOf(totalBytes: number, maxBytes: number) {
  for (let at = 0; at < totalBytes; at += maxBytes) yield { at, bytes: Math.min(maxBytes, totalBytes - at) };
}

function readOnly(): BlockError {
  return new BlockError('READ_ONLY', 'what lies on a web server is only read');
}
