import type { HandOverStep } from '@blockyard/nbd';
import { oneLine } from '../../terminal/failure.js';

/** Whether this process is being replaced, and why it was not the last time. */
export interface UpgradeStatus {
  readonly underWay: UpgradeUnderWay | null;
  /** The last that failed since the server began. */
  readonly lastFailure: UpgradeFailure | null;
}

export interface UpgradeUnderWay {
  /** ISO 8601. */
  readonly since: string;
  /** From `pausing` on clients wait. */
  readonly step: HandOverStep;
  /** The process that is to take over; null while it is not started. */
  readonly successor: number | null;
  /** Whether it is only tried out. */
  readonly isDryRun: boolean;
}

export interface UpgradeFailure extends Pick<UpgradeUnderWay, 'step' | 'isDryRun'> {
  /** ISO 8601. */
  readonly at: string;
  readonly message: string;
}

/** Follows the upgrades of a server. */
export class UpgradeRecord {
  #underWay: UpgradeUnderWay | null = null;
  #lastFailure: UpgradeFailure | null = null;

  get isUnderWay(): boolean {
    return this.#underWay !== null;
  }

  begin(isDryRun: boolean): void {
    this.#underWay = { since: new Date().toISOString(), step: 'starting', successor: null, isDryRun };
  }

  started(successor: number | undefined): void {
    if (this.#underWay !== null) this.#underWay = { ...this.#underWay, successor: successor ?? null };
  }

  step(step: HandOverStep): void {
    if (this.#underWay !== null) this.#underWay = { ...this.#underWay, step };
  }

  failed(message: string): void {
    if (this.#underWay === null) return;
    const { step, isDryRun } = this.#underWay;
    this.#lastFailure = { at: new Date().toISOString(), step, isDryRun, message };
  }

  end(): void {
    this.#underWay = null;
  }

  status(): UpgradeStatus {
    return { underWay: this.#underWay, lastFailure: this.#lastFailure };
  }
}

/** For people, a line each. */
export function upgradeTexts({ underWay, lastFailure }: UpgradeStatus): string[] {
  const texts: string[] = [];
  if (underWay !== null) {
    const { since, step, successor, isDryRun } = underWay;
    const who = successor === null ? '' : `, process ${successor}`;
    texts.push(`${step}${trial(isDryRun)}${who}, since ${since}`);
  }
  if (lastFailure !== null) {
    const { at, step, isDryRun, message } = lastFailure;
    texts.push(`failed at ${at}, ${step}${trial(isDryRun)}: ${oneLine(message)}`);
  }
  return texts;
}

function trial(isDryRun: boolean): string {
  return isDryRun ? ' (only tried out)' : '';
}
