import { byteLengthOf, sliceBuffers } from '@blockyard/block';
import type { FileIo, Holes } from '../file-io.js';

type Call = Exclude<keyof FileIo, 'holes' | 'writevDurably'> | keyof Holes;

/** An error as Node's `fs` throws it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: made up, for a test`), { code });
}

/** A file in memory that does as it is told: transfers little at a time, waits, fails. */
export class FakeFileIo implements FileIo {
  bytes: Uint8Array;
  /** Bytes that one transfer moves at most. */
  mostBytes = Number.POSITIVE_INFINITY;
  /** Called before everything; what it throws is how the call fails. */
  before: (call: Call) => void | Promise<void> = () => {};
  readonly calls: Call[] = [];
  holes: Holes | undefined;
  writevDurably: FileIo['writevDurably'];

  constructor(lengthBytes: number) {
    this.bytes = new Uint8Array(lengthBytes);
  }

  async readv(buffers: readonly Uint8Array[], position: number): Promise<number> {
    await this.#enter('readv');
    const length = Math.min(byteLengthOf(buffers), this.mostBytes, Math.max(this.bytes.byteLength - position, 0));
    let at = position;
    for (const view of sliceBuffers(buffers, 0, length)) {
      view.set(this.bytes.subarray(at, at + view.byteLength));
      at += view.byteLength;
    }
    return length;
  }

  async writev(buffers: readonly Uint8Array[], position: number): Promise<number> {
    await this.#enter('writev');
    const length = Math.min(byteLengthOf(buffers), this.mostBytes);
    let at = position;
    for (const view of sliceBuffers(buffers, 0, length)) {
      this.bytes.set(view, at);
      at += view.byteLength;
    }
    return length;
  }

  datasync(): Promise<void> {
    return this.#enter('datasync');
  }

  sync(): Promise<void> {
    return this.#enter('sync');
  }

  async truncate(length: number): Promise<void> {
    await this.#enter('truncate');
    const bytes = new Uint8Array(length);
    bytes.set(this.bytes.subarray(0, length));
    this.bytes = bytes;
  }

  async punchHole(position: number, length: number): Promise<void> {
    await this.#enter('punchHole');
    this.bytes.fill(0, position, position + length);
  }

  close(): Promise<void> {
    return this.#enter('close');
  }

  /** A file that can be written durably. */
  writeDurably(): void {
    this.writevDurably = (buffers, position) => this.writev(buffers, position);
  }

  /** A file that tells its holes: pages of `pageBytes` in which there are no data. */
  tellHoles(pageBytes: number): void {
    const seek = (position: number, data: boolean): number | undefined => {
      const end = this.bytes.byteLength;
      for (let at = position; at < end; at = (Math.floor(at / pageBytes) + 1) * pageBytes) {
        const page = Math.floor(at / pageBytes) * pageBytes;
        if (this.bytes.subarray(page, page + pageBytes).some((byte) => byte !== 0) === data) return at;
      }
      return data || position >= end ? undefined : end;
    };
    this.holes = {
      nextData: async (position) => {
        await this.#enter('nextData');
        return seek(position, true);
      },
      nextHole: async (position) => {
        await this.#enter('nextHole');
        return seek(position, false);
      },
      length: async () => {
        await this.#enter('length');
        return this.bytes.byteLength;
      },
    };
  }

  async #enter(call: Call): Promise<void> {
    this.calls.push(call);
    await this.before(call);
  }
}

/** A call that does not return until it is let go. */
export class Hold {
  readonly #released: Promise<void>;
  release: () => void = () => {};
  #enter: () => void = () => {};
  /** Resolves when someone has come to wait. */
  readonly entered: Promise<void>;

  constructor() {
    this.#released = new Promise((resolve) => {
      this.release = resolve;
    });
    this.entered = new Promise((resolve) => {
      this.#enter = resolve;
    });
  }

  wait(): Promise<void> {
    this.#enter();
    return this.#released;
  }
}
