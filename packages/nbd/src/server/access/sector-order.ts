import type { BlockDevice } from '@blockyard/block';

/** A change of the sectors from `first` to before `end`: under way, or waiting for those before it. */
export interface Change {
  readonly first: number;
  readonly end: number;
  /** Whether sectors are read, changed in part and written back. */
  readonly merges: boolean;
}

interface Ticket extends Change {
  /** Earlier ones that are in its way and not over. */
  blockers: number;
  /** Later ones that it is in the way of. */
  blocked: Ticket[] | undefined;
  admit: (() => void) | undefined;
}

/**
 * Keeps changes that merge a part of a sector into the rest of it apart from all other changes of the same sectors: what another one
 * writes between a merge's read and its write would be undone.
 *
 * Changes of whole sectors do not wait for one another, since the device keeps those apart [O3]; while nothing is merged, they are
 * only noted down. Each change waits for earlier ones alone, so there is no deadlock, and none waits for ever.
 */
export class SectorOrder {
  readonly #whole = new Set<Ticket>();
  readonly #merging = new Set<Ticket>();

  /** A place for a change of whole sectors that may begin now; `undefined` where it has to wait. */
  tryEnter(first: number, end: number): Change | undefined {
    for (const earlier of this.#merging) if (overlap(earlier, first, end)) return undefined;
    const ticket: Ticket = { first, end, merges: false, blockers: 0, blocked: undefined, admit: undefined };
    this.#whole.add(ticket);
    return ticket;
  }

  /** Does `work` when everything earlier that is in its way is over. */
  async run<T>(change: Change, work: () => Promise<T>): Promise<T> {
    const ticket: Ticket = { ...change, blockers: 0, blocked: undefined, admit: undefined };
    this.#block(ticket, this.#merging);
    if (ticket.merges) this.#block(ticket, this.#whole);
    (ticket.merges ? this.#merging : this.#whole).add(ticket);
    try {
      if (ticket.blockers > 0) {
        await new Promise<void>((resolve) => {
          ticket.admit = resolve;
        });
      }
      return await work();
    } finally {
      this.leave(ticket);
    }
  }

  /** Gives back the place that `tryEnter` gave. */
  leave(change: Change): void {
    const ticket = change as Ticket;
    (ticket.merges ? this.#merging : this.#whole).delete(ticket);
    if (ticket.blocked === undefined) return;
    for (const later of ticket.blocked) {
      later.blockers--;
      if (later.blockers === 0) later.admit?.();
    }
  }

  #block(ticket: Ticket, earlierOnes: Iterable<Ticket>): void {
    for (const earlier of earlierOnes) {
      if (!overlap(earlier, ticket.first, ticket.end)) continue;
      ticket.blockers++;
      earlier.blocked ??= [];
      earlier.blocked.push(ticket);
    }
  }
}

const orders = new WeakMap<BlockDevice, SectorOrder>();

/** The order of a device: one for all exports, connections and servers that this process has of it. */
export function sectorOrderOf(device: BlockDevice): SectorOrder {
  let order = orders.get(device);
  if (order === undefined) {
    order = new SectorOrder();
    orders.set(device, order);
  }
  return order;
}

function overlap(earlier: Change, first: number, end: number): boolean {
  return earlier.first < end && first < earlier.end;
}
