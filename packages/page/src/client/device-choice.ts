import { byId, make } from './dom/elements.js';

/** What the address calls the device that is shown; null: the first. */
export function chosenDevice(): string | null {
  return new URLSearchParams(location.search).get('device');
}

/** Chooses among several devices. Each has an address of its own, and what is known of one says nothing of another. */
export class DeviceChoice {
  readonly #label = byId('choice', HTMLLabelElement);
  readonly #select = byId('devices', HTMLSelectElement);
  #names = '';

  constructor() {
    this.#select.addEventListener('change', () => {
      location.search = `?${new URLSearchParams({ device: this.#select.value })}`;
    });
  }

  show(names: readonly string[]): void {
    const chosen = chosenDevice();
    const all = chosen === null || names.includes(chosen) ? names : [chosen, ...names];
    this.#label.hidden = all.length < 2;
    const text = JSON.stringify(all);
    if (text === this.#names) return;
    this.#names = text;
    this.#select.replaceChildren(...all.map((name) => make('option', { value: name }, name)));
    this.#select.value = chosen ?? all[0] ?? '';
  }
}
