import type { BlockDevice } from '@blockyard/block';
import { Semaphore } from '@blockyard/block/async';
import type { Mode } from '../../wire/mode.js';
import { CommandFlag } from '../../wire/protocol.js';
import type { ByteAccess } from '../access/byte-access.js';
import { type Context, sliceStatuses } from '../exports/contexts.js';
import type { Pace } from '../fairness/pace.js';
import type { PooledBuffer } from '../memory/buffer-pool.js';
import { putStatus, statusBytes } from './replies.js';
import type { Request } from './request.js';

/** Extents in a reply at most, for each context. A client asks on from where they end. */
const EXTENTS_MAX = 1024;

export interface BlockStatusOptions {
  readonly device: BlockDevice;
  readonly mode: Mode;
  readonly contexts: readonly Context[];
  readonly access: ByteAccess;
  readonly pace: Pace;
  readonly isWanted: () => boolean;
}

/** What the contexts that a client has selected say of a range. */
export class BlockStatus {
  readonly #options: BlockStatusOptions;
  /** What takes long and is asked for in a few bytes is done one after the other. */
  readonly #oneAtATime = new Semaphore(1);

  constructor(options: BlockStatusOptions) {
    this.#options = options;
  }

  /** Bytes of a reply at most. */
  get replyBytes(): number {
    const { contexts, mode } = this.#options;
    return contexts.length * statusBytes(mode, EXTENTS_MAX);
  }

  /**
   * Puts one chunk for each context into the request's memory, and tells `push` where they end; for a client that is gone, none. The next
   * request waits until others had the event loop.
   */
  answer(request: Request, buffer: PooledBuffer, push: (end: number) => void): Promise<void> {
    const { pace, isWanted } = this.#options;
    return this.#oneAtATime.run(async () => {
      push(isWanted() ? await this.#put(request, buffer) : request.at);
      await pace.yieldToEventLoop();
    });
  }

  async #put(request: Request, buffer: PooledBuffer): Promise<number> {
    const { device, mode, contexts, access, pace } = this.#options;
    const { offsetBytes = 0, lengthBytes = 0 } = request;
    const { start, count } = access.sectorsOf(offsetBytes, lengthBytes);
    const skipBytes = offsetBytes % device.info.sectorSize;
    const extentsMax = request.has(CommandFlag.REQ_ONE) ? 1 : EXTENTS_MAX;
    const pause = pace.pauses();
    const answers = await Promise.all(contexts.map(({ status }) => status(start, count, extentsMax, pause)));
    let end = request.at;
    for (const [index, context] of contexts.entries()) {
      const last = index === contexts.length - 1;
      const extents = sliceStatuses(answers[index] ?? [], skipBytes, lengthBytes);
      end = putStatus(buffer.view, end, mode, request, context.id, extents, last);
    }
    return end;
  }
}
