import { type BlockDevice, byteLengthOf, type Loan } from '@blockyard/block';
import { viewOf } from '../../wire/bytes.js';
import type { Mode } from '../../wire/mode.js';
import { Command, CommandFlag } from '../../wire/protocol.js';
import type { Arena } from '../memory/arena.js';
import type { Outbound } from './outbound.js';
import { dataHeaderBytes, putDataHeader } from './replies.js';
import type { Request } from './request.js';
import { mayHaveHole, zeroRuns } from './zero-runs.js';

/** Shorter reads are copied: a buffer more to write costs as much, and a write to what is lent may cost a copy of its own. */
const LENT_BYTES_MIN = 128 * 1024;

/** Long READs, answered from where the device has the data in memory if it lends them [B4]: the processor's time goes into copies. */
export class Lending {
  readonly #device: BlockDevice;
  readonly #mode: Mode;
  readonly #arena: Arena;
  readonly #outbound: Outbound;

  constructor(device: BlockDevice, mode: Mode, arena: Arena, outbound: Outbound) {
    this.#device = device;
    this.#mode = mode;
    this.#arena = arena;
    this.#outbound = outbound;
  }

  /** Whether the device is to be asked. */
  isWorthwhile({ command, lengthBytes = 0 }: Request): boolean {
    return command === Command.READ && lengthBytes >= LENT_BYTES_MIN;
  }

  /** Whether the request, for which it is worthwhile, is answered. If not, it has to be read. */
  tryAnswer(request: Request): boolean {
    const { offsetBytes = 0, lengthBytes = 0 } = request;
    // What is lent may live on only for this client's sake, so it counts as the client's.
    if (!this.#arena.tryPin(lengthBytes)) return false;
    const loan = this.#borrow(request, offsetBytes, lengthBytes);
    if (loan === undefined) {
      this.#arena.unpin(lengthBytes);
      return false;
    }
    const { buffer, at } = this.#outbound.scratch(dataHeaderBytes(this.#mode));
    const to = putDataHeader(buffer.view, at, this.#mode, request, offsetBytes, lengthBytes, true);
    this.#outbound.pushLent(buffer, at, to, loan.views, () => {
      loan.release();
      this.#arena.unpin(lengthBytes);
    });
    return true;
  }

  /** A device promises not to throw here; one that does is asked to read, and fails there. */
  #borrow(request: Request, offsetBytes: number, lengthBytes: number): Loan | undefined {
    try {
      return this.#lent(request, offsetBytes, lengthBytes);
    } catch {
      return undefined;
    }
  }

  #lent(request: Request, offsetBytes: number, lengthBytes: number): Loan | undefined {
    const { sectorSize } = this.#device.info;
    if (offsetBytes % sectorSize !== 0 || lengthBytes % sectorSize !== 0) return undefined;
    const loan = this.#device.lend?.(offsetBytes / sectorSize, lengthBytes / sectorSize);
    if (loan === undefined || this.#isToSend(request, loan, lengthBytes)) return loan;
    loan.release();
    return undefined;
  }

  /** Holes have to be told, which takes memory to tell them in; and a loan of another length would put the client out of step. */
  #isToSend(request: Request, { views }: Loan, lengthBytes: number): boolean {
    if (byteLengthOf(views) !== lengthBytes) return false;
    return this.#mode === 'simple' || request.has(CommandFlag.DF) || !views.some(hasHole);
  }
}

function hasHole(view: Uint8Array): boolean {
  if (!mayHaveHole(view)) return false;
  const bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  return zeroRuns(viewOf(bytes), bytes, 0, bytes.byteLength) !== undefined;
}
