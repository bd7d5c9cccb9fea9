import { BlockError, type Clock, isBlockError } from '@blockyard/block';
import type { Handle } from '../../wire/wire.js';
import { contextsOf } from '../exports/contexts.js';
import { contradiction, type ExportFacts, type Exports } from '../exports/exports.js';
import { Channel, type OtherProcess } from './channel.js';
import { type ClientState, HAND_OVER_VERSION, type Place, type ToPredecessor, type ToSuccessor } from './messages.js';
import { ParentEnd } from './parent-end.js';

/** A client that was handed over. Nothing is read from it until it is served. */
export interface AdoptedClient {
  readonly state: ClientState;
  readonly handle: Handle;
}

/** What a server is told that takes the clients of another one. */
export interface Estate {
  readonly place: Place;
  readonly exports: readonly ExportFacts[];
}

/** The other side of a `HandOver`, in the process that takes the clients: its steps in their order. */
export class Adoption {
  readonly #channel: Channel<ToPredecessor, ToSuccessor>;
  readonly #end: ParentEnd;
  #clients: AdoptedClient[] = [];
  /** Whether the devices can be opened also where the predecessor dies. */
  #isReleasing = false;

  constructor(predecessor: OtherProcess, clock: Clock) {
    this.#channel = new Channel(predecessor, 'the predecessor');
    this.#end = new ParentEnd(predecessor, clock);
  }

  /**
   * Says that it is ready, catches up when it is told to, and waits until the devices can be opened: by a word of the predecessor, or by
   * its end once there is nothing that only it has. Undefined: it was only tried out.
   */
  async begin(catchUp: () => Promise<void>): Promise<Estate | undefined> {
    await this.#channel.send({ type: 'ready', version: HAND_OVER_VERSION });
    const { message } = await this.#channel.next();
    if (message.type === 'end') return undefined;
    if (message.type !== 'begin') throw outOfPlace(message);
    for (;;) {
      const type = await this.#collectUntil('catchUp', 'release', 'open').catch((error: unknown) =>
        this.#endAsWord(error),
      );
      if (type === 'open') return message;
      if (type === 'release') this.#isReleasing = true;
      else await this.#catchUp(catchUp());
    }
  }

  /** Throws if these exports are not what clients were told. */
  check(exports: Exports, facts: readonly ExportFacts[]): void {
    const problems = [
      ...facts.map((told) => contradiction(exports.find(told.name), told)),
      ...this.#clients.map(({ state }) => missingContext(exports, state)),
    ].filter((problem) => problem !== undefined);
    if (problems.length > 0) throw new BlockError('UNSUPPORTED', problems.join('; '));
  }

  /**
   * Says that the devices are open, waits for the word to go on, and says that it has the clients: from then on they are its own. A
   * predecessor that is gone by now had let go of the devices, and has read nothing since: then they are as well.
   */
  async take(): Promise<AdoptedClient[]> {
    await this.#channel.send({ type: 'opened' });
    await this.#collectUntil('go').catch((error: unknown) => {
      if (!isBlockError(error, 'UNAVAILABLE')) throw error;
    });
    await this.#channel.send({ type: 'taken' });
    return this.#clients.splice(0);
  }

  /** Says that it serves. */
  serving(): void {
    void this.#channel.send({ type: 'serving' });
  }

  /** Settles as `work` does, which is of no use once the predecessor is gone: then it rejects with `UNAVAILABLE`. */
  async unlessGone<T>(work: Promise<T>): Promise<T> {
    work.catch(() => {});
    const gone = this.#channel.over().then(() => Promise.reject(this.#channel.gone()));
    gone.catch(() => {});
    return Promise.race([work, gone]);
  }

  /** Those that come later, until there are no more. */
  async follow(onClient: (client: AdoptedClient) => void): Promise<void> {
    for (;;) {
      const next = await this.#channel.next().catch(() => undefined);
      if (next === undefined || next.message.type === 'end') break;
      if (next.message.type === 'client' && next.handle !== undefined)
        onClient({ state: next.message.state, handle: next.handle });
    }
    this.#channel.close();
  }

  /** Lets go of everything. */
  async fail(error: unknown): Promise<void> {
    const code = isBlockError(error) ? error.code : 'IO';
    const message = error instanceof Error ? error.message : String(error);
    await this.#channel.send({ type: 'failed', code, message });
    this.end();
  }

  end(): void {
    for (const { handle } of this.#clients.splice(0)) handle.close();
    this.#channel.close();
  }

  async #catchUp(work: Promise<void>): Promise<void> {
    if (!this.#isReleasing) await this.unlessGone(work);
    // The devices are opened in either case, and by then nothing else may read for that. What could not be read is read then.
    else
      await work.catch((error: unknown) => {
        if (!this.#channel.isOver) throw error;
      });
    await this.#channel.send({ type: 'caughtUp' });
  }

  /** The end of the predecessor is its word to open the devices once it was about to disconnect them. Any other error is thrown. */
  async #endAsWord(error: unknown): Promise<'open'> {
    if (!this.#isReleasing || !isBlockError(error, 'UNAVAILABLE')) throw error;
    await this.#end.over();
    return 'open';
  }

  async #collectUntil<T extends 'catchUp' | 'release' | 'open' | 'go'>(...types: readonly T[]): Promise<T> {
    for (;;) {
      const { message, handle } = await this.#channel.next();
      const found = types.find((type) => type === message.type);
      if (found !== undefined) return found;
      if (message.type !== 'client') throw outOfPlace(message);
      if (handle === undefined) throw new BlockError('UNSUPPORTED', 'a client came without its socket');
      this.#clients.push({ state: message.state, handle });
    }
  }
}

function outOfPlace({ type }: ToSuccessor): BlockError {
  return new BlockError('UNSUPPORTED', `the predecessor said ${JSON.stringify(type)} out of place`);
}

function missingContext(exports: Exports, { agreement: { selection } }: ClientState): string | undefined {
  if (selection === undefined) return undefined;
  const entry = exports.find(selection.export);
  const names = entry === undefined ? [] : contextsOf(entry).map(({ name }) => name);
  const missing = selection.contexts.find((name) => !names.includes(name));
  return missing === undefined ? undefined : `export ${JSON.stringify(selection.export)} no longer has ${missing}`;
}
