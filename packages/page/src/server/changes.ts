import { BlockError } from '@blockyard/block';
import { RequestError } from '@blockyard/http-api';
import type { Control, Controls, ControlValue } from '../controls.js';

/** Longest text that a control is set to. */
const TEXT_LENGTH_MAX = 200;

/** Does what a viewer asks for. Rejects with a `RequestError` or `BlockError` for what there is not, or cannot be now. */
export async function change(controls: Controls | undefined, id: string, value: unknown): Promise<void> {
  const control = controls?.list().find((each) => each.id === id);
  if (controls === undefined || control === undefined) throw new RequestError('BAD_REQUEST', 'no such control');
  const checked = checkValue(control, value);
  if (!control.isEnabled) throw new BlockError('UNSUPPORTED', control.why ?? 'that cannot be done now');
  await controls.set(id, checked);
}

function checkValue(control: Control, value: unknown): ControlValue | undefined {
  const { kind, choices = [], min = 0, max = 100 } = control;
  if (kind === 'action' && value === undefined) return undefined;
  if (kind === 'switch' && typeof value === 'boolean') return value;
  if (kind === 'choice' && typeof value === 'string' && choices.some((choice) => choice.value === value)) return value;
  if (kind === 'range' && typeof value === 'number' && value >= min && value <= max) return value;
  if (kind === 'text' && typeof value === 'string' && value.length <= TEXT_LENGTH_MAX) return value;
  throw new RequestError('BAD_REQUEST', `that is no value for ${JSON.stringify(control.label)}`);
}
