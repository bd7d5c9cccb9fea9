import { describe, expect, test } from 'vitest';
import { settled, stateOf } from '../testing.js';
import { Gate } from './gate.js';

describe('Gate', () => {
  test('admits shared holders together, without a wait', () => {
    const gate = new Gate();
    expect(gate.tryShared()).toBe(true);
    expect(gate.tryShared()).toBe(true);
  });

  test('admits an exclusive holder alone', async () => {
    const gate = new Gate();
    gate.tryShared();
    gate.tryShared();
    const exclusive = gate.exclusive();
    gate.leaveShared();
    expect(await stateOf(exclusive)).toBe('pending');
    gate.leaveShared();
    expect(await stateOf(exclusive)).toBe('resolved');
    expect(gate.tryShared()).toBe(false);
    gate.leaveExclusive();
    expect(gate.tryShared()).toBe(true);
  });

  test('serves strictly in the order of arrival, so that neither kind starves', async () => {
    const gate = new Gate();
    const admitted: string[] = [];
    const enter = (name: string, place: Promise<void>) => place.then(() => admitted.push(name));
    gate.tryShared();
    enter('exclusive 1', gate.exclusive());
    enter('shared 1', gate.shared());
    enter('shared 2', gate.shared());
    enter('exclusive 2', gate.exclusive());
    enter('shared 3', gate.shared());
    await settled();
    expect(admitted).toEqual([]);
    gate.leaveShared();
    await settled();
    expect(admitted).toEqual(['exclusive 1']);
    gate.leaveExclusive();
    await settled();
    expect(admitted).toEqual(['exclusive 1', 'shared 1', 'shared 2']);
    gate.leaveShared();
    await settled();
    expect(admitted).toHaveLength(3);
    gate.leaveShared();
    await settled();
    expect(admitted.at(-1)).toBe('exclusive 2');
    gate.leaveExclusive();
    await settled();
    expect(admitted.at(-1)).toBe('shared 3');
  });

  test('once opened admits everyone, those who wait included', async () => {
    const gate = new Gate();
    await gate.exclusive();
    const waiting = [gate.exclusive(), gate.shared(), gate.exclusive()];
    gate.open();
    await Promise.all([...waiting, gate.shared(), gate.exclusive()]);
  });

  test('notices a place that is left twice, also once it is open', async () => {
    const gate = new Gate();
    gate.tryShared();
    gate.leaveShared();
    expect(() => gate.leaveShared()).toThrow('a shared place is left by its holder, once');
    await gate.exclusive();
    gate.open();
    await gate.exclusive();
    gate.leaveExclusive();
    gate.leaveExclusive();
    expect(() => gate.leaveExclusive()).toThrow('the exclusive place is left by its holder, once');
    expect(gate.tryShared()).toBe(true);
  });
});
