/**
 * A tier is a local medium above a device that holds what was flushed and has not reached the device yet. The device and the
 * tier know each other: these types are the device's half.
 */

/** Which tier has what a device lacks. */
export interface TierAttachment {
  /** The tier: the id in its format, lower-case hexadecimal digits. */
  readonly tierId: string;
  /** Random and new with each attachment: what the tier holds under an older one must never reach the device. */
  readonly attachmentId: string;
  /** Where the tier was, for people: `host:/srv/tier`. Holds no secrets. */
  readonly place: string;
  /** When it was attached, ISO 8601. */
  readonly since: string;
}

/** Where a device keeps, durably and beside its data, which tier is attached to it. */
export interface TierMark {
  /** As found when the device was opened: null if no tier had anything of it. Does not change while it is open. */
  readonly attached: TierAttachment | null;
  /** Records the attachment, in place of any other. Durable when it resolves. */
  attach(attachment: TierAttachment): Promise<void>;
  /** Clears the attachment of that id; does nothing where another, or none, is recorded. Durable when it resolves. */
  detach(attachmentId: string): Promise<void>;
}
