import type { FileIo } from '@blockyard/backend-file/driver';
import { byteLengthOf, sliceBuffers } from '@blockyard/block';
import type { Life, SimulatedMedium, World } from '@blockyard/conformance/simulator';

/** Calls that a signal interrupts, and transfers that stop early. */
const INTERRUPTED = 0.02;
const SHORT = 0.1;

/** An open file of a simulated operating system. Transfers stop only at the ends of sectors. */
export class SimulatedFile implements FileIo {
  readonly #world: World;
  readonly #medium: SimulatedMedium;
  readonly #life: Life;
  readonly #sectorSize: number;
  readonly #hasHoles: boolean;
  readonly holes: FileIo['holes'];

  constructor(world: World, medium: SimulatedMedium, life: Life, hasHoles: boolean) {
    this.#world = world;
    this.#medium = medium;
    this.#life = life;
    this.#sectorSize = world.shape.sectorSize;
    this.#hasHoles = hasHoles;
    this.holes = hasHoles ? this.#tellHoles() : undefined;
  }

  async readv(buffers: readonly Uint8Array[], position: number): Promise<number> {
    const { start, views } = this.#transfer(buffers, position);
    return this.#world.call(this.#life, {
      name: `readv ${start}+${views.length}`,
      parts: views.length,
      apply: (from, to) => {
        for (let i = from; i < to; i++) {
          const contents = this.#medium.contents(start + i);
          if (contents === undefined) views[i]?.fill(0);
          else views[i]?.set(contents);
        }
      },
      done: () => views.length * this.#sectorSize,
      failed: (error) => this.#failure(error, ['EIO']),
    });
  }

  async writev(buffers: readonly Uint8Array[], position: number): Promise<number> {
    const { start, views } = this.#transfer(buffers, position);
    return this.#change(`writev ${start}+${views.length}`, views.length, views.length * this.#sectorSize, (from, to) =>
      this.#medium.write(
        start + from,
        views.slice(from, to).map((view) => view.slice()),
      ),
    );
  }

  async datasync(): Promise<void> {
    await this.#synchronize('contents');
  }

  async sync(): Promise<void> {
    await this.#synchronize('everything');
  }

  async truncate(length: number): Promise<void> {
    const sectors = length / this.#sectorSize;
    let id: number | undefined;
    const accept = () => {
      if (id !== undefined) this.#medium.accepted(id);
    };
    await this.#world.call(this.#life, {
      name: `truncate ${sectors}`,
      parts: 1,
      failsClean: true,
      apply: () => {
        id = this.#medium.resize(sectors);
      },
      done: accept,
      failed: (error) => {
        accept();
        return this.#failure(error, ['EIO', 'ENOSPC']);
      },
    });
  }

  async punchHole(position: number, length: number): Promise<void> {
    if (!this.#hasHoles) throw errno('ENOTSUP');
    const start = position / this.#sectorSize;
    const count = length / this.#sectorSize;
    await this.#change(`punchHole ${start}+${count}`, count, 0, (from, to) =>
      this.#medium.zero(start + from, to - from),
    );
  }

  #tellHoles(): FileIo['holes'] {
    return {
      nextData: (position) => this.#seek('SEEK_DATA', position, true),
      nextHole: (position) => this.#seek('SEEK_HOLE', position, false),
      length: async () => this.#medium.sizeSectors * this.#sectorSize,
    };
  }

  #seek(name: string, position: number, data: boolean): Promise<number | undefined> {
    const medium = this.#medium;
    const start = Math.floor(position / this.#sectorSize);
    let found: number | undefined;
    return this.#world.call(this.#life, {
      name: `lseek ${name} ${start}`,
      parts: 1,
      apply: () => {
        let at = start;
        while (at < medium.sizeSectors && (medium.contents(at) !== undefined) !== data) at++;
        // The end of the file counts as a hole.
        const isThere = at < medium.sizeSectors || (!data && start < at);
        found = isThere ? Math.max(position, at * this.#sectorSize) : undefined;
      },
      done: () => found,
      failed: (error) => this.#failure(error, ['EIO']),
    });
  }

  async close(): Promise<void> {
    await this.#world.call(this.#life, { name: 'close', parts: 1, apply: () => {}, done: () => {} });
  }

  /** The sectors that one call transfers: all that is asked for, or less. */
  #transfer(buffers: readonly Uint8Array[], position: number): { start: number; views: Uint8Array[] } {
    const { random } = this.#world;
    if (random.chance(INTERRUPTED)) throw errno('EINTR');
    const start = position / this.#sectorSize;
    const asked = Math.min(byteLengthOf(buffers) / this.#sectorSize, Math.max(0, this.#medium.sizeSectors - start));
    const count = asked > 1 && random.chance(SHORT) ? random.between(1, asked) : asked;
    const views = Array.from({ length: count }, (_, i) => this.#view(buffers, i));
    return { start, views };
  }

  #view(buffers: readonly Uint8Array[], sector: number): Uint8Array {
    const [view] = sliceBuffers(buffers, sector * this.#sectorSize, this.#sectorSize);
    if (view?.byteLength !== this.#sectorSize) throw new Error('a simulated transfer is of whole sectors');
    return view;
  }

  /** A change of contents. What was done before a failure is there, and synced like anything else. */
  #change<T>(name: string, parts: number, result: T, change: (from: number, to: number) => number): Promise<T> {
    const ids: number[] = [];
    const accept = () => {
      for (const id of ids) this.#medium.accepted(id);
    };
    return this.#world.call(this.#life, {
      name,
      parts,
      apply: (from, to) => {
        ids.push(change(from, to));
      },
      done: () => {
        accept();
        return result;
      },
      failed: (error) => {
        accept();
        return this.#failure(error, ['EIO', 'ENOSPC']);
      },
    });
  }

  /** After an error the kernel takes the pages for clean: a later sync does not write them. */
  async #synchronize(what: 'everything' | 'contents'): Promise<void> {
    const id = this.#medium.flush(what);
    await this.#world.call(this.#life, {
      name: what === 'everything' ? 'fsync' : 'fdatasync',
      parts: 1,
      apply: () => {},
      done: () => this.#medium.accepted(id),
      failed: (error, cutOff) => {
        this.#medium.failed(id);
        if (!cutOff) this.#medium.lose();
        return this.#failure(error, ['EIO']);
      },
    });
  }

  #failure(error: Error, codes: readonly [string, ...string[]]): Error {
    return this.#world.raise(errno(this.#world.random.pick(codes), error));
  }
}

function errno(code: string, cause?: Error): Error {
  return Object.assign(new Error(`${code}: made up by the simulation`, { cause }), { code });
}
