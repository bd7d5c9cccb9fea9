/** A place in a {@link RangeOrder}. */
export interface RangeTicket {
  readonly start: number;
  readonly end: number;
  readonly exclusive: boolean;
  /** Earlier conflicting tickets that are still held. */
  blockers: number;
  /** Later conflicting tickets, to be told when this one is released. */
  readonly blocked: RangeTicket[];
  admit: (() => void) | undefined;
}

/**
 * Runs what overlaps one after the other, in the order of arrival. Readers share. Each ticket waits only for earlier ones, so
 * there is no deadlock, and no large range is starved by small ones.
 *
 * Costs a comparison per operation in flight.
 */
export class RangeOrder {
  readonly #held = new Set<RangeTicket>();

  /** Takes a place. The holder may go on when `ready` says so, or once `whenReady` resolves. */
  enter(start: number, count: number, exclusive: boolean): RangeTicket {
    const ticket: RangeTicket = { start, end: start + count, exclusive, blockers: 0, blocked: [], admit: undefined };
    for (const earlier of this.#held) {
      const overlaps = earlier.start < ticket.end && ticket.start < earlier.end;
      if (!overlaps || !(earlier.exclusive || exclusive)) continue;
      ticket.blockers++;
      earlier.blocked.push(ticket);
    }
    this.#held.add(ticket);
    return ticket;
  }

  ready(ticket: RangeTicket): boolean {
    return ticket.blockers === 0;
  }

  whenReady(ticket: RangeTicket): Promise<void> {
    if (ticket.blockers === 0) return Promise.resolve();
    return new Promise((resolve) => {
      ticket.admit = resolve;
    });
  }

  leave(ticket: RangeTicket): void {
    this.#held.delete(ticket);
    for (const later of ticket.blocked) {
      later.blockers--;
      if (later.blockers === 0) later.admit?.();
    }
  }
}
