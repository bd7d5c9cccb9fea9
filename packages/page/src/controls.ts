/** What a control is set to. */
export type ControlValue = string | number | boolean;

/**
 * Something that can be done on the page: a button, a switch, one of several choices, a number between two bounds, or a short
 * text with a button. It is shown as it is at this moment, and shown anew when it changes.
 */
export interface Control {
  /** What `set` is called with. Letters, digits and hyphens. */
  readonly id: string;
  /** The heading under which it stands; groups are in the order of their first controls. */
  readonly group: string;
  readonly label: string;
  /** One sentence on what it does. */
  readonly help: string;
  readonly kind: 'action' | 'switch' | 'choice' | 'range' | 'text';
  /** A boolean of a switch, the `value` of a choice, a number of a range, what is proposed for a text. An action has none. */
  readonly value?: ControlValue;
  readonly choices?: readonly { readonly value: string; readonly label: string }[];
  /** Bounds of a range. Default: 0 and 100, by steps of 1. */
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  /** What the numbers of a range are. */
  readonly unit?: 'bytes' | 'ms' | 'percent';
  /** Whether it can be used now. */
  readonly isEnabled: boolean;
  /** Why it cannot. */
  readonly why?: string;
}

/** What can be done on a page. Several viewers may use it at once. */
export interface Controls {
  /** Those that there are now. Called a few times a second while someone looks, so it must cost little. */
  list(): readonly Control[];
  /** Resolves when it is done, or under way where that takes long. Rejects with a `BlockError` when it cannot be done. */
  set(id: string, value?: ControlValue): Promise<void>;
  /** What happened, in plain words, a line each, the newest last. The page shows the last ones. */
  readonly story?: () => readonly string[];
}
