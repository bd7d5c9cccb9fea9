import type { Control, ControlValue } from '../controls.js';
import { formatBytes } from '../shared/format.js';
import { type ControlsMessage, PATHS } from '../shared/messages.js';
import { byId, make, setText } from './dom/elements.js';

interface Widget {
  readonly element: HTMLElement;
  /** What makes another widget necessary. */
  readonly shape: string;
  update(control: Control): void;
}

/** What can be done, as the server declares it. */
export class Panel {
  readonly #section = byId('panel', HTMLElement);
  readonly #note = byId('panel-note', HTMLParagraphElement);
  readonly #place = byId('controls', HTMLDivElement);
  readonly #outcome = byId('outcome', HTMLParagraphElement);
  readonly #story = byId('story', HTMLOListElement);
  readonly #storyBox = byId('story-box', HTMLElement);
  readonly #token: string | undefined;
  readonly #device: string | null;
  readonly #widgets = new Map<string, Widget>();
  #order = '';
  #told: readonly string[] = [];

  /** `device`: null for the first. */
  constructor(token: string | undefined, device: string | null) {
    this.#token = token;
    this.#device = device;
  }

  show({ controls, story, takesChanges }: ControlsMessage): void {
    this.#section.hidden = controls.length === 0 && story.length === 0;
    const mayChange = takesChanges && this.#token !== undefined;
    const how = takesChanges
      ? 'Only to look at: open the page with its token to change something.'
      : 'Only to look at: the server takes no changes here.';
    setText(this.#note, mayChange ? '' : how);
    const shapes = controls.map(shapeOf);
    const order = JSON.stringify(controls.map(({ id, group }, index) => [id, group, shapes[index]]));
    if (order !== this.#order) this.#build(controls);
    this.#order = order;
    for (const control of controls) {
      this.#widgets.get(control.id)?.update(mayChange ? control : { ...control, isEnabled: false });
    }
    this.#tell(story);
  }

  #build(controls: readonly Control[]): void {
    const groups = new Map<string, HTMLElement>();
    for (const control of controls) {
      let group = groups.get(control.group);
      if (group === undefined) {
        group = make('fieldset', {}, make('legend', {}, control.group));
        groups.set(control.group, group);
      }
      let widget = this.#widgets.get(control.id);
      if (widget?.shape !== shapeOf(control)) {
        widget = widgetOf(control, (value) => this.#set(control, value));
        this.#widgets.set(control.id, widget);
      }
      group.append(widget.element);
    }
    this.#place.replaceChildren(...groups.values());
  }

  /** Gives whether it was done. */
  async #set({ id, label }: Control, value: ControlValue | undefined): Promise<boolean> {
    setText(this.#outcome, `${label} …`);
    try {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${this.#token}` };
      const device = this.#device ?? undefined;
      const sent = JSON.stringify({ id, value, device });
      const answer = await fetch(`.${PATHS.set}`, { method: 'POST', headers, body: sent });
      const body: { readonly error?: { readonly message: string } } = await answer.json();
      setText(this.#outcome, answer.ok ? `${label}: done.` : `${label}: ${body.error?.message ?? 'refused'}.`);
      return answer.ok;
    } catch {
      setText(this.#outcome, `${label}: the server did not answer.`);
      return false;
    }
  }

  #tell(story: readonly string[]): void {
    this.#storyBox.hidden = story.length === 0;
    if (story.length === this.#told.length && story.every((line, index) => line === this.#told[index])) return;
    // Lines that are there stay, so that the new ones alone are read aloud.
    const known = this.#told.length > 0 ? story.lastIndexOf(this.#told.at(-1) ?? '') : -1;
    if (known < 0) this.#story.replaceChildren();
    for (const line of story.slice(known + 1)) this.#story.append(make('li', {}, line));
    while (this.#story.children.length > story.length) this.#story.firstElementChild?.remove();
    this.#told = story;
    this.#story.scrollTop = this.#story.scrollHeight;
  }
}

function shapeOf({ kind, label, help, choices, min, max, step, unit }: Control): string {
  return JSON.stringify([kind, label, help, choices, min, max, step, unit]);
}

function widgetOf(control: Control, ask: (value?: ControlValue) => Promise<boolean>): Widget {
  const makers = { action: actionOf, switch: switchOf, choice: choiceOf, range: rangeOf, text: textOf };
  const { help, id } = control;
  const why = make('p', { class: 'help', id: `help-${id}` }, help);
  let last = control;
  let asked = 0;
  // What was asked for stays as it is shown until the server has answered: what it tells until then is older.
  const set = async (value?: ControlValue) => {
    asked++;
    const isDone = await ask(value);
    asked--;
    if (!isDone && asked === 0) update(last);
  };
  const tell = (value?: ControlValue): void => void set(value);
  const { input, element, update } = makers[control.kind](control, tell);
  input.setAttribute('aria-describedby', why.id);
  return {
    element: make('div', { class: `control ${control.kind}`, id: `control-${id}` }, element, why),
    shape: shapeOf(control),
    update(now) {
      input.disabled = !now.isEnabled;
      setText(why, now.isEnabled || now.why === undefined ? help : `${help} Not now: ${now.why}`);
      last = now;
      if (asked === 0) update(now);
    },
  };
}

interface Made {
  readonly input: HTMLButtonElement | HTMLInputElement | HTMLSelectElement;
  readonly element: HTMLElement;
  update(control: Control): void;
}

function actionOf({ label }: Control, set: () => void): Made {
  const input = make('button', { type: 'button' }, label);
  input.addEventListener('click', () => set());
  return { input, element: input, update: () => {} };
}

function switchOf({ label }: Control, set: (value: boolean) => void): Made {
  const input = make('input', { type: 'checkbox', role: 'switch' });
  input.addEventListener('change', () => set(input.checked));
  const update = ({ value }: Control) => {
    input.checked = value === true;
  };
  return { input, element: make('label', {}, input, label), update };
}

function choiceOf({ label, choices = [] }: Control, set: (value: string) => void): Made {
  const options = choices.map((choice) => make('option', { value: choice.value }, choice.label));
  const input = make('select', {}, ...options);
  input.addEventListener('change', () => set(input.value));
  const update = ({ value }: Control) => {
    if (document.activeElement !== input && typeof value === 'string') input.value = value;
  };
  return { input, element: make('label', {}, label, input), update };
}

function rangeOf({ label, min = 0, max = 100, step = 1, unit }: Control, set: (value: number) => void): Made {
  const input = make('input', { type: 'range', min: String(min), max: String(max), step: String(step) });
  const output = make('output');
  const tell = () => setText(output, quantityText(Number(input.value), unit));
  let isHeld = false;
  input.addEventListener('input', () => {
    isHeld = true;
    tell();
  });
  input.addEventListener('change', () => {
    isHeld = false;
    set(Number(input.value));
  });
  const update = ({ value }: Control) => {
    if (!isHeld && typeof value === 'number') input.value = String(value);
    tell();
  };
  return { input, element: make('label', {}, label, input, output), update };
}

function textOf({ label, value }: Control, set: (value: string) => void): Made {
  const input = make('input', { type: 'text', maxlength: '200', 'aria-label': label });
  if (typeof value === 'string') input.value = value;
  const button = make('button', { type: 'submit' }, label);
  const form = make('form', {}, input, button);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    set(input.value);
  });
  const update = ({ isEnabled }: Control) => {
    button.disabled = !isEnabled;
  };
  return { input, element: form, update };
}

function quantityText(value: number, unit: Control['unit']): string {
  if (unit === 'bytes') return formatBytes(value);
  if (unit === 'ms') return `${value} ms`;
  return unit === 'percent' ? `${value} %` : String(value);
}
